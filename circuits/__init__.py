"""The silicon: netlists of a chip, its area and its energy."""
