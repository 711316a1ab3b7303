"""What a user imports from `crossbar`: a matrix on devices, a network, and how it settles."""
