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
# # Train on a chip
#
# The weights of a Hopfield network can be memristors in a crossbar.
# The network then settles on the chip, and learning sends pulses to the devices.
# Real devices move in steps, unevenly, and not alike. Does the network still learn?
#
# This takes about a minute.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

import hvae

folder = Path(tempfile.mkdtemp())
digits = hvae.load_images("mnist-5k", size=14)

# %% [markdown]
# ## Four chips
#
# A configuration has tables of keys. The table `array` makes it a chip.
# `device` names what a weight is made of. `ideal` devices take any value; `epiram` and `reram-es` are published ones.
# `rule` says how a wanted change becomes pulses. The usual rule pulses every device after every batch.
# `mixed-precision` collects changes in digital memory and pulses a device once they amount to a step.

# %%
small = {
    "data": {"image_size": 14},
    "model": {"hidden": 60, "latent": 8, "sigma": 0.2},
    "training": {"epochs": 3, "batch_size": 50, "beta_kl": 0.3, "validation_samples": 200, "eigenvalue_samples": 0},
}
chips = {
    "ideal": {"device": "ideal"},
    "EpiRAM": {"device": "epiram"},
    "EpiRAM, mixed precision": {"device": "epiram", "rule": "mixed-precision"},
    "ReRAM": {"device": "reram-es"},
}
runs = {}
for name, array in chips.items():
    config = hvae.configure("tdh-vae", small, array=array)
    runs[name] = hvae.train(config, folder / name.replace(", ", "-").replace(" ", "-"))
    print(runs[name])

# %% [markdown]
# ## What they learned
#
# The loss is half the squared error of unseen digits. Drawing the mean image costs as much as the last line says.

# %%
losses = {name: run.metrics["validation_sse_half"].dropna().to_numpy() for name, run in runs.items()}
trivial = float(((digits.validation_images - digits.train_images.mean(axis=0)) ** 2).sum(axis=1).mean() / 2)
for name, loss in losses.items():
    print(f"{name:24} {loss[-1]:5.1f}")
print(f"{'mean image':24} {trivial:5.1f}")

# %%
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for name, loss in losses.items():
    axes.plot(range(1, len(loss) + 1), loss, marker="o", label=name)
axes.axhline(trivial, color="grey", linestyle="--", label="mean image")
axes.set(xlabel="epoch", ylabel="SSE/2 of unseen digits", xticks=range(1, len(loss) + 1))
axes.legend(frameon=False)
figure.savefig("chips.png")

# %% [markdown]
# ## What it cost
#
# Every pulse is counted. Mixed precision learns more from fewer.

# %%
for name, run in runs.items():
    last = run.metrics.dropna(subset=["pulses_up"]).iloc[-1]
    print(f"{name:24} {last['pulses_up'] + last['pulses_down']:12,.0f} pulses")

# %% [markdown]
# ## The chip itself
#
# A run ends with a chip: its weights, and the conductances of its devices in siemens.
# `hopbar netlist` writes it as a SPICE netlist, and `hopbar area` measures it.

# %%
best = runs["EpiRAM, mixed precision"]
chip = best.chip()
devices = chip.conductances["tied"]
used = devices.plus[devices.plus > 0]
print(f"{devices.device}: {1e6 * used.min():.1f} to {1e6 * used.max():.1f} microsiemens")

# %%
hvae.draw_images(best.sample(20, seed=0, prior="mixture"), title="drawn by a chip of EpiRAM")

# %% [markdown]
# A run is a folder. `hvae.open_run(path)` opens it again, and `run.evaluate()` scores it.
# So do the commands `hopbar evaluate`, `figures`, `report`, `netlist` and `area`.
