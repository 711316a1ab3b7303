"""A published claim checked: how wide the range of a memristor must be for equilibrium propagation to converge.

    HOPBAR_DATA=... python benchmarks/resistance_range.py [--quick] [--json] [--seeds N] [--ratios 2 5 10 ...]

Doell, Mueller and Ulmann, "Learning dynamics in memristor-based equilibrium propagation" (arXiv:2512.12428), conclude
from six memristor models and two classification tasks that it converges "under nonlinear weight updates, provided that
memristors exhibit a sufficiently wide resistance range of at least an order of magnitude". Here the deep resistive
network of `resistive_network.py`, in which a weight is one conductance, learns MNIST with all conductances kept within
g_max / ratio to g_max. g_max is the largest but for one in a thousand of what an unbounded network learns, layer by
layer. Updates are ideal, or those of a memristor with soft bounds: up by (g_max - g) / (g_max - g_min) of what is
asked, down by (g - g_min) / (g_max - g_min). Their tasks and networks are others: what is compared is where the knee
lies.
"""

from __future__ import annotations

import copy
import json
import sys
from dataclasses import dataclass, field

import harness
import numpy as np
from resistive_network import BATCH, DECAY, HIDDEN, RATE, ResistiveNetwork, drive, error, load

UPDATES = ("ideal", "soft bounds")
RATIOS = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
EPOCHS, IMAGES = 3, 15000


@dataclass
class Bounded(ResistiveNetwork):
    """A network whose conductances (S) stay within the range of their layer, `limits`, moved as `update` says."""

    limits: tuple[tuple[float, float], tuple[float, float]] = ((0.0, np.inf), (0.0, np.inf))
    update: str = "ideal"
    before: tuple[np.ndarray, np.ndarray] = field(init=False)

    def learn(self, inputs: np.ndarray, targets: np.ndarray, rate: float) -> None:
        """Make one step of centred equilibrium propagation, as far as the memristors follow it."""
        self.before = (self.first.copy(), self.second.copy())
        super().learn(inputs, targets, rate)
        self.first = self._followed(self.before[0], self.first, self.limits[0])
        self.second = self._followed(self.before[1], self.second, self.limits[1])

    def _followed(self, before: np.ndarray, wanted: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
        low, high = (np.float32(limit) for limit in limits)
        if self.update == "soft bounds":
            change = wanted - before
            room = np.where(change > 0, high - before, before - low) / (high - low)
            wanted = before + change * room
        return np.clip(wanted, low, high)


def taught(data: tuple, network: ResistiveNetwork, seed: int, epochs: int, count: int) -> float:
    """Teach `network` `epochs` of the first `count` images; return its test error, %."""
    pictures, labels, test_inputs, test_labels = data
    rng = np.random.default_rng(seed + 1000)
    for epoch in range(epochs):
        order = rng.permutation(count)
        for first in range(0, count - BATCH + 1, BATCH):
            rows = order[first : first + BATCH]
            network.learn(drive(pictures[rows]), np.eye(10, dtype=np.float32)[labels[rows]], RATE * DECAY**epoch)
    return error(network, test_inputs, test_labels)


def bounded(start: ResistiveNetwork, top: tuple[float, float], ratio: float, update: str) -> Bounded:
    """Return a network of `start`'s conductances, brought into the range."""
    limits = tuple((high / ratio, high) for high in top)
    first, second = (np.clip(g, *one) for g, one in zip((start.first, start.second), limits, strict=True))
    return Bounded(
        first=first.astype(np.float32), second=second.astype(np.float32), hidden_source=start.hidden_source.copy(),
        output_source=start.output_source.copy(), limits=limits, update=update,
    )  # fmt: skip


def main() -> None:
    """Train and report."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--seeds", type=int, default=3)
    asked.add_argument("--ratios", type=float, nargs="+", default=list(RATIOS))
    chosen = asked.parse_args()
    seeds, epochs, count, ratios = (chosen.seeds, EPOCHS, IMAGES, chosen.ratios)
    if chosen.quick:
        seeds, epochs, count, ratios = 1, 1, 1000, [2.0, 10.0]
    data = load("mnist-5k" if chosen.quick else "mnist")
    rows: dict[str, list[float]] = {}
    for seed in range(seeds):
        made = ResistiveNetwork.random(2 * data[0].shape[1], HIDDEN, 10, np.random.default_rng(seed))
        free = copy.deepcopy(made)
        rows.setdefault("unbounded", []).append(taught(data, free, seed, epochs, count))
        top = tuple(float(np.quantile(g, 0.999)) for g in (free.first, free.second))
        for update in UPDATES:
            for ratio in ratios:
                wrong = taught(data, bounded(made, top, ratio, update), seed, epochs, count)
                rows.setdefault(f"{update}, ratio {ratio:g}", []).append(wrong)
                print(f"seed {seed}, {update}, ratio {ratio:g}: test error {wrong:.2f} %", file=sys.stderr, flush=True)
    figures = {name: float(np.mean(values)) for name, values in rows.items()}
    found = harness.report(
        "resistance_range", figures, {}, seed=0, quick=chosen.quick,
        notes=f"test error, %, of MNIST after {epochs} epochs of {count} images", extra={"seeds": rows},
    )  # fmt: skip
    lines = [f"{name:<28} {value:6.2f} %" for name, value in figures.items()]
    print(json.dumps(found) if chosen.json else "\n".join(lines))


if __name__ == "__main__":
    main()
