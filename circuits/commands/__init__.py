"""The commands `hopbar netlist`, `hopbar verify` and `hopbar area`."""
