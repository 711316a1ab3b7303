"""Memristors: update laws, presets, faults, write errors, and fits to measured curves."""
