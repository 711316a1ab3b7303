"""Target weights on real devices: write-verify of arrays and chips."""
