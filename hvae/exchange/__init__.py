"""Weights from elsewhere to a chip, and from a chip to elsewhere."""
