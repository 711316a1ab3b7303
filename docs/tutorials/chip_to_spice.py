# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From weights to SPICE
#
# A network becomes a circuit of memristors, and ngspice settles it. Then two sides are compared: the circuit simulator,
# and the solver of `crossbar`. You need ngspice (`apt-get install ngspice`).
#
# ## The weights
#
# Twelve neurons: four inputs, six hidden, two outputs. Any real matrix with a zero diagonal will do; this one will be
# symmetric.

# %%
import numpy as np

import circuits

W = np.triu(np.random.default_rng(1).normal(0, 0.6, (12, 12)), 1)

# %% [markdown]
# ## The circuit
#
# Every weight takes two memristors. Every neuron is a capacitor, a leak and a nonlinear source. The inputs are held.

# %%
c = circuits.Circuit.from_weights(
    W + W.T, {"input": 4, "hidden": 6, "output": 2}, clamped={"input": [1, -1, 1, -1]}, gain=3
)

# %% [markdown]
# The netlist is plain text, one card a memristor. `ngspice -b chip_to_spice.cir` runs it without Python.

# %%
c.write("chip_to_spice.cir", dialect="ngspice")

# %% [markdown]
# ## Settle in ngspice
#
# The circuit starts at zero and comes to rest by itself. States come back by the names of the blocks.

# %%
found = c.settle("ngspice")

# %% [markdown]
# ## The verdict
#
# The outputs in volts, by ngspice and by `crossbar`, and whether all states agree to a microvolt.

# %%
found.states["output"], found.simulated["output"], found.agrees

# %% [markdown]
# ## How much silicon
#
# The paper's tied model at 65 nm, with the interval that the sources leave. For a trained chip of your own:
# `circuits.verify("runs/demo")` and `circuits.area("runs/demo")`.

# %%
circuits.area("tdh-vae", node=65)
