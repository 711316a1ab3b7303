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
# # Train and draw
#
# A tied Hopfield VAE learns 4,000 real digits and draws new ones.
# One network is encoder and decoder. Clamp its pixels, and it settles to a code. Clamp the code, and it settles to an
# image.
# It learns by equilibrium propagation. Every weight needs only what its own two neurons do.
#
# This takes about half a minute.

# %%
import numpy as np

import hvae

digits = hvae.load_images("mnist-5k", size=14)
train, unseen = digits.train_images, digits.validation_images
train.shape, unseen.shape

# %% [markdown]
# ## Train
#
# The models are scikit-learn estimators. The same `random_state` gives the same bytes.

# %%
vae = hvae.TiedHopfieldVAE(
    hidden=100,
    latent=12,
    sigma=0.2,
    epochs=8,
    batch_size=50,
    beta_kl=0.3,
    optimizer="sgd",
    learning_rate=0.3,
    prior="mixture",
    random_state=0,
    verbose=1,
)
vae.fit(train)

# %% [markdown]
# Training means settling, and settling can fail. So it is counted:

# %%
print(f"{100 * vae.unsettled_:.2g} % of the samples of the last epoch did not settle")

# %% [markdown]
# ## Reconstruct
#
# `transform` gives the code of each image, `inverse_transform` the image of each code.
# The mean image is what one draws without any learning. The digits are unseen ones.

# %%
codes = vae.transform(unseen)
reconstructed = vae.inverse_transform(codes)
error = ((reconstructed - unseen) ** 2).sum(axis=1).mean()
trivial = ((train.mean(axis=0) - unseen) ** 2).sum(axis=1).mean()
print(f"{unseen.shape[1]} pixels, {codes.shape[1]} numbers; squared error {error:.1f}, of the mean image {trivial:.1f}")

# %%
shown = np.concatenate([unseen[:10], reconstructed[:10]])
hvae.draw_images(shown, title="unseen digits, and what the network makes of them")

# %% [markdown]
# ## Draw
#
# New images come from new codes.
# `prior="mixture"` draws them from ten Gaussians that are fitted to the codes of the training images.

# %%
drawn = vae.sample(500, random_state=0)
figure = hvae.draw_images(drawn[:50], title="drawn by a tied Hopfield network")
figure.savefig("drawn.png")
figure

# %% [markdown]
# ## How good are they?
#
# The Frechet distance compares the features of two sets of images.
# The floor is the distance of real digits from real digits: no model gets below it.
# A trivial method draws every pixel alone, from that pixel of the training images.

# %%
distance = hvae.frechet_distance(drawn, unseen)
floor = hvae.frechet_distance(train[:500], unseen)
alone = np.random.default_rng(0).permuted(train[:500], axis=0)
pixels_alone = hvae.frechet_distance(alone, unseen)
print(f"Frechet distance {distance:.0f}; real digits {floor:.0f}, pixels drawn alone {pixels_alone:.0f}")

# %% [markdown]
# Far from the floor, but this is a small network after eight short epochs.
# `hvae.TiedHopfieldVAE()` has the paper's sizes, and README.md says what they reach.
# Runs that are kept, resumed and scored are made by `hvae.train`; see the next tutorial, *Train on a chip*.
