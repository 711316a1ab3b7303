"""Run folders of trainings that `gpu.py --train` carried home, to be evaluated and drawn like any other.

    python benchmarks/gpu_adopt.py OUT RUNS [--set sampling.prior=mixture ...]

OUT holds training.json and weights-K.npz. RUNS/GROUP-K is made for each run whose weights were kept: configuration,
learning curve, chip, and a checkpoint without the optimizer's state, which only plain gradient descent resumes from.
What the plan did not set, as nothing of it mattered there, can be set now.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from hvae.config import toml_file
from hvae.learning import learners
from hvae.runs import images
from hvae.runs.export import make_chip
from hvae.runs.records import Checkpoint, RunFolder
from hvae.tensors import packing


def adopt(group: dict, number: int, parameters: dict, path: Path, overrides: Sequence[str] = ()) -> None:
    """Make the run folder of one run of `group`."""
    config = toml_file.changed(toml_file.check(group["configs"][number]), overrides)
    folder = RunFolder.create(path, config)
    rows = [(row["step"], row["replicas"][number]) for row in group["curves"]]
    for row in group["validation"]:
        rows.append((row["step"], {f"validation_{name}": value for name, value in row["replicas"][number].items()}))
    for step, found in sorted(rows, key=lambda one: one[0]):
        folder.log("metrics", {"step": step, "epoch": step / group["steps_per_epoch"]} | found)
    seconds = group["seconds"] / max(1, group["steps"]) / len(group["configs"])
    folder.log("timing", {"step": group["steps"], "seconds": seconds})
    folder.describe("engine", {"engine": "torch", "device": "cuda", "steps": group["steps"]})
    folder.save(
        Checkpoint(
            step=group["steps"], parameters=parameters, optimizer={}, metrics_bytes=folder.metrics_size(),
            config=toml_file.dump(config),
        )
    )  # fmt: skip
    vae = learners.make_hopfield(config).vae
    make_chip(config, vae, parameters, images.load(config.data), group["steps"]).save(path / "chip.h5")
    print(path)


def main() -> None:
    """Adopt what OUT holds."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("out", type=Path)
    asked.add_argument("runs", type=Path)
    asked.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="of the [sampling] table, say")
    options = asked.parse_args()
    weights = packing.read(options.out)
    for group in json.loads((options.out / "training.json").read_text(encoding="utf-8")):
        for number in group.get("kept", ()):
            start = f"{group['name']}.{number}."
            parameters = {name.removeprefix(start): one for name, one in weights.items() if name.startswith(start)}
            adopt(group, number, parameters, options.runs / f"{group['name']}-{number}", options.set)


if __name__ == "__main__":
    main()
