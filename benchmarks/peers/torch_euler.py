"""A plain PyTorch version of one TDH-VAE training step by the paper's Euler scheme, for comparison: no autograd.

    python benchmarks/peers/torch_euler.py PROBLEM.npz

PROBLEM.npz (written by benchmarks/epoch.py) holds float32 `weights` (N, N), `images`, `noise`, and `steps` = free and
nudged steps, `time_step`, `beta`, `beta_kl`, `sigma`, `n_hidden`. Prints {"cpu_seconds": ..., "gradient": path}.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

try:
    import torch
except ImportError:  # a message, not a traceback: the peer is optional
    sys.exit("torch is missing: pip install torch, or give another interpreter by --torch-python")

import numpy as np

GAIN = 3.0


def relax(states, weights, drive, steps, time_step, pull=None, strength=0.0):
    """Make steps of eq. (3); `pull`, where given, returns the cost's gradient and is scaled by `strength`."""
    for _ in range(steps):
        signals = torch.sigmoid(GAIN * states)
        force = states - GAIN * signals * (1 - signals) * (signals @ weights + drive)
        if pull is not None:
            force = force + strength * pull(states)
        states = states - time_step * force
    return states


def step(problem):
    """Return the gradient (N, N) of one batch: encoder and decoder, free and nudged both ways."""
    images, weights = problem["images"], problem["weights"]
    pixels, hidden = images.shape[1], problem["n_hidden"]
    size, batch = len(weights), len(images)
    beta, dt = problem["beta"], problem["time_step"]
    free_steps, nudged_steps = problem["steps"]
    rest, out = slice(pixels, size), slice(0, pixels + hidden)
    shown = torch.sigmoid(GAIN * images)
    encoder = (weights[rest, rest], shown @ weights[:pixels, rest])
    encoded = relax(torch.zeros(batch, size - pixels), *encoder, free_steps, dt)
    latents = encoded[:, hidden:] + problem["noise"] * problem["sigma"]
    sent = torch.sigmoid(GAIN * latents)
    decoder = (weights[out, out], sent @ weights[pixels + hidden :, out])
    decoded = relax(torch.zeros(batch, pixels + hidden), *decoder, free_steps, dt)

    def reconstruction(states):
        pull = torch.zeros_like(states)
        pull[:, :pixels] = states[:, :pixels] - images
        return pull

    def nudged(states, network, cost):
        ends = [relax(states, *network, nudged_steps, dt, cost, sign * beta) for sign in (1, -1)]
        return [torch.sigmoid(GAIN * end) for end in ends]

    plus, minus = nudged(decoded, decoder, reconstruction)
    back = -GAIN * sent * (1 - sent) * ((plus - minus) / (2 * beta) @ weights[out, pixels + hidden :])

    def latent_cost(states):
        pull = torch.zeros_like(states)
        pull[:, hidden:] = back + problem["beta_kl"] * states[:, hidden:]
        return pull

    up, down = nudged(encoded, encoder, latent_cost)
    total = torch.zeros_like(weights)
    for sign, decoding, encoding in ((1, plus, up), (-1, minus, down)):
        for joined in (torch.cat([decoding, sent], 1), torch.cat([shown, encoding], 1)):
            total -= sign * (joined.T @ joined) / (2 * beta * batch)
    return total.fill_diagonal_(0)


def main() -> None:
    """Time one step, after a short one that is not counted."""
    path = Path(sys.argv[1])
    loaded = np.load(path)
    problem = {key: torch.from_numpy(loaded[key]) for key in ("weights", "images", "noise")}
    problem |= {key: float(loaded[key]) for key in ("time_step", "beta", "beta_kl", "sigma")}
    problem |= {"n_hidden": int(loaded["n_hidden"]), "steps": (2, 2)}
    torch.set_num_threads(int(loaded["threads"]))
    with torch.no_grad():
        step(problem)
        problem["steps"] = tuple(int(count) for count in loaded["steps"])
        start = time.process_time()
        gradient = step(problem)
        seconds = time.process_time() - start
    out = path.with_name("torch_gradient.npy")
    np.save(out, gradient.numpy())
    print(json.dumps({"cpu_seconds": seconds, "gradient": str(out), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
