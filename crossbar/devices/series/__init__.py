"""Conductances over time: how devices drift, and how they fluctuate while they are read."""
