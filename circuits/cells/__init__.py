"""The cells of the exported circuit, one file each: SPICE text, and for devices the same equations in Python."""
