"""The physics of Hopbar: networks of analog neurons, the arrays that couple them, and how they settle."""
