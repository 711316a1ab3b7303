"""A circuit as text for a simulator, and text read back."""
