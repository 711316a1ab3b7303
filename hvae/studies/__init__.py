"""Studies: what devices do to a model, as a grid of settings, seeds and models."""
