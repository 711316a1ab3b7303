"""Learning rules of a chip: what turns the signals of a batch into pulses."""
