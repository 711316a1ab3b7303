"""The circuit of a chip: devices, neurons, clamps, and what happens when."""
