"""The training loop, and how a person watches it."""
