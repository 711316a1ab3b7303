"""Cells of transistors, measured in a circuit simulator: curves, spread, speed, and what neurons they make."""
