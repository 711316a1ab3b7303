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
# # How much area
#
# A trained network becomes a chip. How many mm2 is that? Its circuits are counted, and every count is multiplied by
# what one of them measures. It takes a few seconds.
#
# ## The paper's two dense models
#
# `tdh-vae` is tied: one network encodes and decodes. `dh-vae` has a network for each. The numbers behind an area are
# uncertain, so it comes as an interval: nine draws in ten lie in it.

# %%
import matplotlib.pyplot as plt
import numpy as np

import circuits
import crossbar as xb
from crossbar.hopfield.network import Network

areas = {(name, node): circuits.area(name, node=node) for name in ("tdh-vae", "dh-vae") for node in (65, 22)}
for (name, node), found in areas.items():
    print(f"{name:8} {node} nm: {found.total.p50:5.1f} mm2 [{found.total.p5:.1f} to {found.total.p95:.1f}]")

# %% [markdown]
# A result tells its largest parts, and how many devices it counted.

# %%
areas["tdh-vae", 65]

# %% [markdown]
# ## Where the area goes
#
# Memristors shrink with the node, capacitors do not. So other parts matter at 22 nm than at 65.

# %%
parts = sorted(areas["dh-vae", 65].components, key=lambda part: -areas["dh-vae", 65].components[part].typical)[:7]
figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
for axis, node in zip(axes, (65, 22), strict=True):
    for k, name in enumerate(("dh-vae", "tdh-vae")):
        sizes = [areas[name, node].components[part].typical for part in parts]
        axis.barh(np.arange(len(parts)) + 0.4 * k, sizes, height=0.4, label=name)
    axis.set(title=f"{node} nm", xlabel="mm2, typical")
axes[0].set_yticks(np.arange(len(parts)) + 0.2, [part.replace("_", " ") for part in parts])
axes[0].invert_yaxis()
axes[1].legend(frameon=False)
figure.savefig("area.png")

# %% [markdown]
# ## What does tying save?
#
# The two models above differ in more than tying: 833 hidden neurons stand against 1,696. So make two chips of the same
# sizes. Only the untied encoder has 50 latents for 25: a mean and a variance each. Area asks where weights are, not
# what they are, so here they are zero. Of a chip that you trained, write `circuits.area(run.chip())`.


# %%
def chip(**latents):
    """Return a chip of 784 pixels, 833 hidden neurons and the given latents in each of its networks."""
    networks = {name: Network((("pixels", 784), ("hidden", 833), ("latent", n))) for name, n in latents.items()}
    weights = {name: np.zeros((network.size, network.size)) for name, network in networks.items()}
    return xb.Chip(model=" and ".join(latents), networks=networks, weights=weights)


tied, untied = chip(tied=25), chip(encoder=50, decoder=25)

# %% [markdown]
# Two networks need not be two chips. They can share a die with its converters, memory and control, and the analog
# neurons too. The more they share, the less is left to save.

# %%
saved = {}
for node in (65, 22):
    for sharing in ("two-chips", "shared-io", "shared-neurons"):
        one, two = (circuits.area(each, node=node, sharing=sharing).total.p50 for each in (tied, untied))
        saved[node, sharing] = 1 - one / two
        print(f"{node} nm, {sharing:15} tied {one:5.1f} mm2, untied {two:5.1f} mm2: saves {saved[node, sharing]:.0%}")

# %% [markdown]
# So tying saves a third of the area at equal size, and less where the neurons are shared. It is not half: an encoder's
# pixels are clamped, so it needs no neurons for them, and no weights into them. The tied chip needs both, for decoding.
#
# ## Where to go on
#
# docs/results/area.md has the same answer with intervals, for more sizes and layouts. docs/area.md says what is
# counted, and what is left out. `hopbar area runs/demo --energy` adds joules.
