"""The models: Hopfield VAEs of the paper's Figure 1, and the feedforward baseline."""
