"""Images of one's own: read from files of several kinds, brought to one shape and to [-1, 1], split."""
