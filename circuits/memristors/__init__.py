"""Memristor models: SPICE text, and the same equations in Python."""
