"""Learning on exact weights: equilibrium propagation, its costs and nudges, and optimizers."""
