"""The commands that train, score, show, sweep and study."""
