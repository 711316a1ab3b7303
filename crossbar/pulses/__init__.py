"""Pulses on devices: stochastic trains, engines of different exactness, and encodings of the EP contrast."""
