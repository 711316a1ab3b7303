"""Keep what a study found: its table, with command, commits, machine and seeds, in benchmarks/results/.

python benchmarks/keep_study.py studies/noise study_noise ["a note"]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness import RESULTS, machine


def main(folder: Path, name: str, note: str = "") -> Path:
    """Write benchmarks/results/NAME.json from the folder of a study, and return its path."""
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
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(kept, indent=1) + "\n")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]), *sys.argv[2:])}\n")
