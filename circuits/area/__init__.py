"""Silicon area: inventories, technology, estimates, and what sharing saves."""
