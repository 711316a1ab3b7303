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
# # A crossbar from a matrix
#
# You have a matrix. Here it goes onto memristors. You read it, pulse it, look at its conductances, solve for its
# currents, and let it settle as a Hopfield network. That takes eight statements and a few seconds.
#
# ## The matrix
#
# `Array` holds W (16 rows, 24 columns) as differences of conductances, G+ - G-. The device is a published one, with the
# noise of its pulses. An 8-bit converter stands on every input and output, and each read is noisy: 2 % of the largest
# conductance.

# %%
import numpy as np

import crossbar as xb

a = xb.Array(np.random.default_rng(0).normal(0, 0.3, (16, 24)), device="epiram", dac=8, adc=8, read_noise=0.02, seed=0)

# %% [markdown]
# ## Read
#
# `a @ x` means what it means in numpy: W x. Beside it stands the exact product with what the devices hold. The
# difference is the work of the converters and of the noise. `y @ a` would read the same devices from their other side.

# %%
np.column_stack([a @ np.full(24, 0.5), a.weights @ np.full(24, 0.5)])

# %% [markdown]
# ## Pulse
#
# Five pulses up for every device of G+. One number serves all devices; a matrix of whole numbers gives each its own.
# Below zero the pulses go down. The report counts them, and `a.energy` has their joules.

# %%
a.pulse(5)

# %% [markdown]
# ## Conductances and currents
#
# G+ and G- come in siemens, with the shape of W. Lines have resistance, here 2 ohm from each cell to the next.
# Kirchhoff's laws are solved exactly, for 0.1 V on every line. The second column is what ideal wires would give.

# %%
plus, minus = a.conductances()

# %%
np.column_stack([a.currents(np.full(24, 0.1), wires=2.0), (plus - minus) @ np.full(24, 0.1)])

# %% [markdown]
# ## Settle
#
# The same devices couple 24 neurons with 16 others, both ways. The first are held, the others come to rest where
# s = rho'(s) (W rho(s)). `settle` looks at what the couplings are. Noisy reads and converters leave no energy to
# descend, so it takes the neurons' own steps, and says so.

# %%
xb.settle(xb.HopfieldNetwork(a), clamp={"inputs": np.sign(np.arange(24) - 11.5)}, tolerance=0.05)

# %% [markdown]
# ## Where to go on
#
# `a.program(W)` writes and verifies, `a.update(rate, x, y)` learns an outer product, `a.age(seconds)` lets the devices
# drift, `xb.fit_device("mine.csv")` makes a device of your own measurement. `help(xb.Array)` tells the rest.
