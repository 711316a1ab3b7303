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
# # Fit your device
#
# You have pulsed a device and measured its conductance. Here that curve becomes a device of the library, and a crossbar
# is made of it. It takes a few seconds.
#
# ## The measurement
#
# A text file has two columns: the pulse, and the conductance after it. Here a formula stands for the instrument: three
# cycles of 60 pulses up and 60 down, with the noise of pulses and that of the meter. Put your own file in its place.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import crossbar as xb

rng = np.random.default_rng(0)
measured = [1.0]  # uS
for bound in 3 * (60 * [22.0] + 60 * [1.0]):  # each pulse goes a part of the way that is left
    measured.append(measured[-1] + 0.03 * (bound - measured[-1]) + rng.normal(0, 0.08))
measured += rng.normal(0, 0.1, len(measured))  # the meter's own noise

lines = [f"{pulse},{conductance:.4f}" for pulse, conductance in enumerate(measured)]
Path("mine.csv").write_text("\n".join(["pulse,conductance (uS)", *lines]))
print("\n".join(["pulse,conductance (uS)", *lines[:4], "..."]))

# %% [markdown]
# ## Three laws
#
# A law says what one pulse does. Which one is your device? Fit them, and look at `r_squared`, the part of the
# curve that a law explains. Below 0.9 the fit is called poor: do not use it.

# %%
fits = {law: xb.fit_device("mine.csv", law) for law in ("constant", "nonlinear", "soft-bounds")}
for law, fit in fits.items():
    print(f"{law:12} R^2 {fit.r_squared:.3f}, off by {1e6 * fit.residual:.2f} uS{', poor' if fit.poor else ''}")

# %% [markdown]
# ## The fitted device
#
# The best one, number by number. Each has an error bar: more pulses make it smaller. The unit is that of weights: the
# measured range runs from -1 to 1.

# %%
found = fits["soft-bounds"]
for name, estimate in found.parameters.items():
    print(f"{name:12} {estimate.value:7.4f} +- {estimate.error:.4f}")
print(f"the meter's noise is {1e6 * found.read_noise:.2f} uS")

# %% [markdown]
# ## Does it move as yours did?
#
# A hundred devices are made of the fit, and pulsed as yours was. All start at the bottom. The band holds nine in ten of
# them; the dots are the measurement.

# %%
copies = xb.Array(np.full((10, 10), -1.0), device=found, seed=0)
curves = [copies.conductances()[0].ravel()]
for step in 3 * (60 * [1] + 60 * [-1]):
    copies.pulse(step)
    curves.append(copies.conductances()[0].ravel())
low, middle, high = 1e6 * np.quantile(curves, (0.05, 0.5, 0.95), axis=1)

# %%
figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
axes.fill_between(range(len(low)), low, high, alpha=0.3, label="a hundred fitted devices")
axes.plot(middle)
axes.plot(measured, ".", color="black", markersize=3, label="measured")
axes.set(xlabel="pulse", ylabel="conductance (uS)")
axes.legend(frameon=False)
figure.savefig("mine.png")

# %% [markdown]
# ## A crossbar of your devices
#
# The fit stands where a preset's name would. `program` pulses the devices and looks, until each is near enough. The
# report counts the pulses, and the devices that never came near.

# %%
a = xb.Array(np.zeros((16, 24)), device=found, weight_limit=1.0, seed=0)
W = np.random.default_rng(1).uniform(-0.8, 0.8, (16, 24))
report = a.program(W)
print(f"{report.failed} of {report.devices} devices failed; {report.pulses_up + report.pulses_down:,} pulses")
print(f"weights are off by {100 * a.error:.1f} %")

# %% [markdown]
# ## Where to go on
#
# `hopbar devices fit mine.csv --law soft-bounds --out mine.toml` writes the same fit as a device file. It stands
# wherever a name does: in *Train on a chip*, write `{"device": "mine.toml"}`. docs/devices.md has all laws, and what a
# file of measurements may look like.
