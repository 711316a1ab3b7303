"""The configuration of a run: its tables, its file, and the files that vary it."""
