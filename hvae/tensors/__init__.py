"""Training on tensors: networks of one shape side by side on one device, by the solvers of `crossbar.hopfield`.

Every array of states is (replicas, batch, neurons). Here alone torch is needed: ``pip install hopbar[torch]``.
"""
