"""The silicon of Hopbar: netlists of a chip, its area and its energy."""
