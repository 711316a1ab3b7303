"""One page on which a trained network lives: drawn on, relaxed step by step, disturbed."""
