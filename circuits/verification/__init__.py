"""Is the circuit the chip? Settled roles, contrasts and tiles beside the simulator."""
