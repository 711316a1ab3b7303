"""Sweeps: Bayesian optimization of a run's configuration."""
