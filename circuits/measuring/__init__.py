"""Memristors on a bench in ngspice: what a subcircuit conducts, state by state and volt by volt."""
