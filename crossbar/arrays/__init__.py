"""Arrays of devices that hold the weights of a network: built, read, updated, kept."""
