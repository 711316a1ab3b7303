"""Whether whatever comes through a door is answered with a result or one line: 10,000 random cases, none kept back.

    python benchmarks/fuzz.py [--cases 10000] [--seed 0] [--quick] [--json]

The doors are those of tests/fuzz_doors.py: overrides of a configuration, TOML files, measured curves, chips and run
folders (bytes, attributes and data sets changed), raw files of ngspice, command lines. A failure is any other error, a
message of several lines, or an accepted value that the schema forbids; each kind is listed once, with its first case.
A case that takes a minute, or brings the interpreter down, ends all with its trace, and lies in the file that is named.
"""

from __future__ import annotations

import faulthandler
import json
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from harness import parser, report
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from fuzz_doors import SHARES, Door, doors

QUICK_CASES = 200
LONGEST = 60.0  # seconds for one case; none needs one


def tried(door: Door, cases: int, start: int, last: Path) -> tuple[Counter, dict[str, dict[str, str]]]:
    """Return how often `door` answered how over `cases`, and the kinds of failures by where they arose.

    The case that is being tried lies in the file `last`.
    """
    answers: Counter = Counter()
    failures: dict[str, dict[str, str]] = {}

    @seed(start)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        case = data.draw(door.cases)
        last.write_text(repr(case))
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        with tempfile.TemporaryDirectory() as folder:
            try:
                answers[door.attempt(case, Path(folder))] += 1
            except Exception as error:  # every kind of failure is what is looked for
                answers["failed"] += 1
                place = traceback.extract_tb(error.__traceback__)[-1]
                key = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
                failures.setdefault(key, {"message": str(error)[:300], "case": repr(case)[:300]})

    attempt()
    faulthandler.cancel_dump_traceback_later()
    return answers, failures


def main() -> None:
    """Try, print, and keep the result."""
    asked = parser(__doc__, of_a_run=False)
    asked.add_argument("--cases", type=int, default=10_000)
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    cases = QUICK_CASES if options.quick else options.cases
    figures: dict[str, float] = {"cases": 0, "failed": 0}
    listed, rows = {}, {}
    faulthandler.enable()
    last = Path(tempfile.mkdtemp()) / "case.txt"
    print(f"the case that is being tried: {last}", file=sys.stderr)
    for name, door in doors().items():
        answers, failures = tried(door, round(cases * SHARES[name]), options.seed, last)
        rows[name] = dict(answers)
        listed |= {f"{name}: {kind}": found for kind, found in failures.items()}
        figures["cases"] += sum(answers.values())
        figures["failed"] += answers["failed"]
    result = report(
        "fuzz",
        figures,
        {"failed": 0},
        seed=options.seed,
        quick=options.quick,
        extra={"doors": rows, "failures": listed},
    )
    print(json.dumps(result if options.json else figures | {"doors": rows, "failures": listed}, indent=1))
    if figures["failed"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
