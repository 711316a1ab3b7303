"""Keep what a study found: its table, with command, commits, machine and seeds, in benchmarks/results/.

python benchmarks/keep_study.py studies/noise study_noise ["a note"]
python benchmarks/keep_study.py --quick      # a study of one cell that is made up, kept in a temporary folder
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from harness import RESULTS, machine

KEPT = (
    "label", "model", "seed", "kind", "axes", "commit", "failed", "sse_half_mean", "perfect_prior_distance",
    "frechet_distance", "sse_half", "pulses", "curve",
)  # fmt: skip
"""What is kept of each cell."""


def main(folder: Path, name: str, note: str = "", results: Path = RESULTS) -> Path:
    """Write NAME.json to `results` from the folder of a study, and return its path."""
    study = json.loads((folder / "study.json").read_text())
    places = [json.loads(path.read_text()) for path in sorted(folder.glob("cells/*/environment.json"))]
    kept = {
        "name": name,
        "title": study["title"],
        "commands": sorted({" ".join(place["command"]) for place in places}),
        "commits": sorted({place["commit"] for place in places}),
        "machine": machine(),
        "seeds": sorted({cell["seed"] for cell in study["cells"]}),
        "split": study["split"],
        "note": note,
        "rows": study["rows"],
        "cells": [{key: one[key] for key in KEPT if key in one} for one in study["cells"]],
    }
    path = results / f"{name}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n")
    return path


def quick() -> Path:
    """Keep a study that is made up."""
    folder = Path(tempfile.mkdtemp())
    (folder / "cells" / "one").mkdir(parents=True)
    (folder / "cells" / "one" / "environment.json").write_text('{"command": ["hopbar", "study"], "commit": "none"}')
    (folder / "study.json").write_text('{"title": "none", "split": "validation", "rows": [], "cells": [{"seed": 0}]}')
    return main(folder, "quick", results=folder)


if __name__ == "__main__":
    sys.stdout.write(f"{quick() if sys.argv[1:] == ['--quick'] else main(Path(sys.argv[1]), *sys.argv[2:])}\n")
