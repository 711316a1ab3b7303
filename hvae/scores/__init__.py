"""What a model is worth: features, distances, densities of z, evaluations."""
