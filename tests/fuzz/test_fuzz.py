"""Whatever comes through a door, the answer is a result or one line: 300 cases here, 10,000 in benchmarks/fuzz.py."""

import tempfile
from pathlib import Path

import pytest
from fuzz_doors import SHARES, doors
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

CASES = 300


@pytest.mark.parametrize("name", SHARES)
def test_a_door_answers_with_a_result_or_one_line(name):
    door = doors()[name]
    answers = []

    @settings(
        max_examples=round(CASES * SHARES[name]), derandomize=True, database=None, deadline=None,
        phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def attempt(data):
        case = data.draw(door.cases)
        with tempfile.TemporaryDirectory() as folder:
            answers.append(door.attempt(case, Path(folder)))

    attempt()
    assert "refused" in answers


def test_all_cases_go_to_a_door():
    assert sum(SHARES.values()) == pytest.approx(1)
    assert set(SHARES) == set(doors())
