"""Continuous Hopfield networks: topology, energy, and how they settle (eq. 1 to 4)."""
