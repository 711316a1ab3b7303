"""Do the tests notice? Mutants of the code that figures hang on, by cosmic-ray, each against the tests of its folder.

    python benchmarks/mutation.py [--quick] [--json] [--mutants 40]

Of every file below a seeded sample of mutants is taken (an operator exchanged, a constant moved, a comparison turned,
a line's sign changed) and its tests run, in a clone, so that the checkout is never touched. Annotations and decorators
are left out: a mutant there means the same. Kernels are compiled anew for each mutant; all else runs uncompiled.
A mutant that survives is listed with its place: a test is missing there, or the mutant means the same.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import parser, report

ROOT = Path(__file__).parent.parent
TARGETS = {
    "crossbar/hopfield/energy.py": "tests/crossbar/hopfield",
    "crossbar/hopfield/kernels/descent.py": "tests/crossbar/hopfield",
    "crossbar/devices/laws/linear.py": "tests/crossbar/devices/test_laws.py",
    "crossbar/devices/laws/curved.py": "tests/crossbar/devices/test_laws.py",
    "crossbar/devices/laws/neurosim.py": "tests/crossbar/devices/test_laws.py",
    "crossbar/pulses/kernels/closed.py": "tests/crossbar/pulses",
    "crossbar/arrays/kernels/reads.py": "tests/crossbar/arrays",
    "hvae/learning/equilibrium.py": "tests/hvae/learning/test_equilibrium.py",
    "hvae/learning/costs.py": "tests/hvae/learning/test_equilibrium.py",
    "hvae/scores/distances.py": "tests/hvae/scores/test_distances.py",
    "circuits/energy/cost.py": "tests/circuits/energy",
    "circuits/memristors/vteam.py": "tests/circuits/cells",
}


def main() -> None:
    """Run the mutants and keep the score."""
    options = parser(__doc__, of_a_run=False)
    options.add_argument("--mutants", type=int, default=40, help="of each file, at most")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--timeout", type=float, default=120, help="seconds a mutant may take, else killed")
    chosen = options.parse_args()
    targets = dict(list(TARGETS.items())[3:4]) if chosen.quick else TARGETS
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(clone)], check=True)
        rows = {
            module: score(clone, module, tests, 3 if chosen.quick else chosen.mutants, chosen.seed, chosen.timeout)
            for module, tests in targets.items()
        }
    tried, killed = (sum(row[name] for row in rows.values()) for name in ("tried", "killed"))
    figures = {"tried": tried, "killed": killed, "share_killed": killed / max(tried, 1)}
    result = report(
        "mutation", figures, {"share_killed": 0.9}, seed=chosen.seed, quick=chosen.quick, extra={"files": rows}
    )
    if chosen.json:
        print(json.dumps(result))
        return
    for module, row in rows.items():
        print(f"{module}: {row['killed']} of {row['tried']} killed")
        for one in row["survivors"]:
            print(f"    survived: line {one['line']}, {one['operator']}: {one['change']}")


def score(clone: Path, module: str, tests: str, count: int, seed: int, timeout: float) -> dict:
    """Return how many of `count` mutants of `module` its `tests` kill, and which survive."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

    config, session = clone / "mutants.toml", clone / "mutants.sqlite"
    session.unlink(missing_ok=True)
    command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider {tests}"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{module}"\ntimeout = {timeout}\nexcluded-modules = []\n'
        f'test-command = "{command}"\n[cosmic-ray.distributor]\nname = "local"\n'
    )
    ray = [sys.executable, "-m", "cosmic_ray.cli"]
    environment = {**os.environ, "PYTHONPATH": str(clone), "OMP_NUM_THREADS": "1"}
    if "/kernels/" not in module:
        environment["NUMBA_DISABLE_JIT"] = "1"
    settings: dict[str, Any] = {"cwd": clone, "env": environment, "stdout": subprocess.DEVNULL}
    baseline = subprocess.run(command.split(), cwd=clone, env=environment, capture_output=True, text=True, check=False)
    if baseline.returncode != 0:
        raise SystemExit(f"{tests} fails without any mutant, so that it proves nothing:\n{baseline.stdout[-2000:]}")
    subprocess.run([*ray, "init", config.name, session.name], check=True, **settings)
    with use_db(session, WorkDB.Mode.open) as work:
        lines = (clone / module).read_text().splitlines()
        items = sorted(work.work_items, key=lambda item: item.job_id)
        items.sort(key=lambda item: (item.mutations[0].start_pos, item.mutations[0].operator_name))
        telling = [item for item in items if acts(lines[item.mutations[0].start_pos[0] - 1])]
        kept = {item.job_id for item in random.Random(seed).sample(telling, min(count, len(telling)))}
        for item in items:
            if item.job_id not in kept:
                work.set_result(item.job_id, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))
    subprocess.run([*ray, "exec", config.name, session.name], check=True, **settings)
    survivors, tried = [], 0
    with use_db(session, WorkDB.Mode.open) as work:
        for item, result in work.completed_work_items:
            if item.job_id not in kept:
                continue
            tried += 1
            if result.test_outcome == TestOutcome.SURVIVED:
                mutation = item.mutations[0]
                name = mutation.operator_name.split("/")[-1]
                place = {"line": mutation.start_pos[0], "operator": name}
                survivors.append({**place, "change": changed(result.diff or "")})
    return {"tests": tests, "tried": tried, "killed": tried - len(survivors), "survivors": survivors}


def acts(line: str) -> bool:
    """Tell whether a mutant in `line` can change what is computed: not in a signature or a decorator."""
    bare = line.strip()
    return not bare.startswith(("def ", "@", ") ->")) and " | None" not in bare


def changed(diff: str) -> str:
    """Return the lines of a `diff` that differ, before and after."""
    lines = [line for line in diff.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return " -> ".join(line[1:].strip() for line in lines)


if __name__ == "__main__":
    main()
