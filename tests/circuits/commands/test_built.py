"""Which chip of transistors a fitted chip stands for."""

import json
from dataclasses import replace

import pytest

from circuits.commands.built import NOTE, Built, behind
from circuits.silicon import chip as silicon
from circuits.silicon.bench import Conditions
from circuits.silicon.level import Level
from crossbar.errors import CorruptFile, HopbarError, InvalidValue
from tests.circuits.conftest import strong_chip


@pytest.mark.parametrize("seed", [None, 0, 7])
def test_a_note_says_which_transistors(seed):
    built = Built(conditions=Conditions(corner="ss", temperature=0.0), level=Level(leak=80e6), seed=seed)
    chip = replace(strong_chip(side=2, hidden=3, latent=1), provenance={NOTE: built.note()})
    assert Built.of(chip) == built
    assert built.errors(5) == (None if seed is None else silicon.drawn(5, seed))


@pytest.mark.parametrize(
    "change",
    [
        {"corner": "xx"}, {"temperature": "cold"}, {"leak": -1}, {"seed": -1}, {"seed": 1.5}, {"seed": True},
        {"leak": None},
    ],
)
def test_a_note_that_was_changed_is_told(change):
    note = {"corner": "tt", "temperature": 27.0, "leak": 40e6} | change
    chip = replace(strong_chip(side=2, hidden=3, latent=1), provenance={NOTE: json.dumps(note)})
    with pytest.raises(HopbarError):
        Built.of(chip)
    for text in ("[]", "{", "{}"):
        with pytest.raises(CorruptFile, match="does not say rightly"):
            Built.of(replace(chip, provenance={NOTE: text}))


def test_chips_that_fit_no_transistors_are_refused():
    chip, other = strong_chip(side=2, hidden=3, latent=1), strong_chip(side=2, hidden=4, latent=1)
    with pytest.raises(InvalidValue, match="hopbar silicon RUN --fitted"):
        Built.of(chip)
    for like in (chip, other):
        with pytest.raises(InvalidValue, match="the fitted chip has the networks"):
            behind(chip, like)
