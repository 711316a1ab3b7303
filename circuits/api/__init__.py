"""What a user imports from `circuits`: a circuit from weights or from a chip, its proof, and its area."""
