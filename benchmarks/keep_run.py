"""Keep what a training is worth: configuration, curves and evaluations of its run folder, in benchmarks/results/.

    python benchmarks/keep_run.py RUN NAME ["a note"]
    python benchmarks/keep_run.py --quick      # a small run, kept in a temporary folder

Of the curve every epoch's validation is kept, and a hundred steps. Weights are not.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from harness import RESULTS, small_run

from hvae.config import toml_file
from hvae.runs.records import RunFolder

STEPS = 100


def main(folder: Path, name: str, note: str = "", results: Path = RESULTS) -> Path:
    """Write NAME.json to `results` from the run in `folder`, and return its path."""
    run = RunFolder.open(folder)
    rows = list(run.metrics())
    steps = [row for row in rows if "sse_half" in row]
    seconds = [json.loads(line)["seconds"] for line in (folder / "timing.jsonl").read_text().splitlines()]
    evaluations = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("evaluation*.json"))}
    made = json.loads((folder / "environment.json").read_text())
    kept = {
        "name": name,
        "command": " ".join(made["command"]),
        "config": toml_file.dump(run.config()),
        "commit": made["commit"],
        "machine": {key: made[key] for key in ("machine", "versions", "blas") if key in made},
        "seed": run.config().training.seed,
        "note": note,
        "seconds_a_step": sorted(seconds)[len(seconds) // 2] if seconds else None,
        "evaluations": evaluations,
        "epochs": [row for row in rows if "validation_sse_half" in row],
        "steps": steps[:: max(1, len(steps) // STEPS)],
    }
    path = results / f"{name}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n")
    return path


def quick() -> Path:
    """Keep a small run."""
    folder = Path(tempfile.mkdtemp())
    return main(small_run(folder / "run"), "quick", results=folder)


if __name__ == "__main__":
    sys.stdout.write(f"{quick() if sys.argv[1:] == ['--quick'] else main(Path(sys.argv[1]), *sys.argv[2:])}\n")
