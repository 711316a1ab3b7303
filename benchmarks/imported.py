"""A network that plain torch trained becomes a chip whose SPICE states agree: `hopbar import`, then `hopbar verify`.

    python benchmarks/imported.py            500 neurons, writes benchmarks/results/imported.json (some minutes)
    python benchmarks/imported.py --quick    44 neurons, seconds

Torch alone trains a symmetric matrix of 400 + 80 + 20 neurons on 20 x 20 pictures of bars: eq. (3) of the paper is
unrolled for 30 steps, images clamped, then the latents it found clamped, and Adam lowers the squared error of what is
drawn. Its state dict goes through `hopbar import`, and both roles of that chip through `hopbar verify` in ngspice.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

if find_spec("torch") is None:
    print("skipped: torch is not installed, pip install 'hopbar[torch]'")
    sys.exit(0 if "--quick" in sys.argv else 2)

import numpy as np
import torch
from click.testing import CliRunner
from harness import parser, report

from crossbar.commands.hopbar import hopbar

GAIN, STEPS, TIME_STEP = 3.0, 30, 0.2
WANTED = {"encode_error": 1e-6, "decode_error": 1e-6}


def bars(side: int, count: int, rng: np.random.Generator) -> torch.Tensor:
    """Return `count` pictures (count, side^2) in [-1, 1], of a few rows and columns that are on."""
    on = rng.random((count, 2, side)) < 0.2
    pictures = on[:, 0, :, None] | on[:, 1, None, :]
    return torch.as_tensor(2.0 * pictures.reshape(count, -1) - 1, dtype=torch.float32)


def relax(w: torch.Tensor, held: torch.Tensor, clamped: slice) -> torch.Tensor:
    """Return the states (batch, N) after `STEPS` of eq. (3), with `held` at the neurons `clamped`."""
    states = torch.zeros(len(held), len(w))
    for _ in range(STEPS):
        states = torch.cat([states[:, : clamped.start], held, states[:, clamped.stop :]], 1)
        signals = torch.sigmoid(GAIN * states)
        slope = GAIN * signals * (1 - signals)
        states = states + TIME_STEP * (slope * (signals @ w) - states)
    return torch.cat([states[:, : clamped.start], held, states[:, clamped.stop :]], 1)


def trained(blocks: tuple[int, int, int], updates: int, seed: int) -> tuple[torch.Tensor, list[float]]:
    """Return a symmetric matrix without a diagonal that draws what it was shown, and its losses."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    side, size, pixels, first = int(blocks[0] ** 0.5), sum(blocks), blocks[0], sum(blocks[:2])
    raw = torch.nn.Parameter(0.05 * torch.randn(size, size))
    optimizer, losses = torch.optim.Adam([raw], 0.01), []
    for _ in range(updates):
        w = (raw + raw.T) / 2
        w = w - torch.diag(torch.diag(w))
        shown = bars(side, 64, rng)
        latents = relax(w, shown, slice(0, pixels))[:, first:]
        drawn = relax(w, latents, slice(first, size))[:, :pixels]
        loss = (drawn - shown).square().sum(1).mean() / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return w.detach(), losses


def told(*words: str | Path) -> dict:
    """Return what a command says as JSON."""
    done = CliRunner().invoke(hopbar, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Train, import, verify, print, keep."""
    options = parser(__doc__, of_a_run=False).parse_args()
    blocks = (36, 6, 2) if options.quick else (400, 80, 20)
    w, losses = trained(blocks, 20 if options.quick else 300, seed=0)
    figures: dict[str, float] = {"loss_first": losses[0], "loss_last": losses[-1], "neurons": float(sum(blocks))}
    with tempfile.TemporaryDirectory() as held:
        file, chip = Path(held, "net.pt"), Path(held, "chip.h5")
        torch.save({"weight": w}, file)
        names = ",".join(f"{name}={size}" for name, size in zip(("pixels", "hidden", "latent"), blocks, strict=True))
        told("import", file, "--blocks", names, "--gain", GAIN, "--out", chip, "--json")
        for role in ("encode", "decode"):
            begun = time.perf_counter()
            found = told("verify", chip, "--role", role, "--json")
            figures[f"{role}_seconds"] = time.perf_counter() - begun
            figures |= {f"{role}_error": found["max_abs_error"], f"{role}_memristors": found["n_memristors"]}
    notes = "ngspice; largest difference of a state, in units of the state"
    result = report("imported", figures, WANTED, seed=0, quick=options.quick, notes=notes, extra={"losses": losses})
    print(json.dumps(result) if options.json else json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
