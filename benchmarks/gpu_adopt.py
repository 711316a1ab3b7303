"""Run folders of trainings that `gpu.py --train` carried home, to be evaluated and drawn like any other.

    python benchmarks/gpu_adopt.py OUT RUNS

OUT holds training.json and weights-K.npz. RUNS/GROUP-K is made for each run whose weights were kept: configuration,
learning curve, chip, and a checkpoint without the optimizer's state, which only plain gradient descent resumes from.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hvae.config import toml_file
from hvae.learning import learners
from hvae.runs import images
from hvae.runs.export import make_chip
from hvae.runs.records import Checkpoint, RunFolder
from hvae.tensors import packing


def adopt(group: dict, number: int, parameters: dict, path: Path) -> None:
    """Make the run folder of one run of `group`."""
    config = toml_file.check(group["configs"][number])
    folder = RunFolder.create(path, config)
    for row in group["curves"]:
        record = {"step": row["step"], "epoch": row["step"] / group["steps_per_epoch"]}
        folder.log("metrics", record | row["replicas"][number])
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
    options = asked.parse_args()
    weights = packing.read(options.out)
    for group in json.loads((options.out / "training.json").read_text(encoding="utf-8")):
        for number in group.get("kept", ()):
            start = f"{group['name']}.{number}."
            parameters = {name.removeprefix(start): one for name, one in weights.items() if name.startswith(start)}
            adopt(group, number, parameters, options.runs / f"{group['name']}-{number}")


if __name__ == "__main__":
    main()
