"""Flows on Hopfield networks: a field that is the slope of an energy at rest, taught by equilibrium propagation."""
