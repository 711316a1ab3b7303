"""The commands `hopbar devices` and `hopbar program`."""
