"""The run folder: its records, its lock, and models loaded from it."""
