"""Is a netlist in another dialect the one for ngspice? Device for device, node for node, value for value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from circuits.dialects.cards import Card
from circuits.dialects.dialect import Dialect
from circuits.dialects.expressions import Expression, Number, evaluate, leaves

DRAWS = 16  # random states at which two expressions are evaluated
PRECISION = 1e-12  # of the value of an expression; numbers alone are the same to the last bit


def differences(
    theirs: Iterable[Card], ours: Iterable[Card], dialect: Dialect, rng: np.random.Generator
) -> Iterator[str]:
    """Yield how `theirs`, read back from `dialect`, is not `ours`, of the ngspice netlist of the same circuit.

    Numbers are equal as float64. Expressions are made of the same parameters, voltages and currents, and equal at
    random values of them. Comments are left out, and what `dialect` cannot tell: measurements, tolerances of no name.
    """
    found, twice = _by_name(theirs)
    expected, _ = _by_name(_told(ours, dialect))
    yield from (f"{_called(key)} occurs twice" for key in twice)
    yield from (f"{_called(key)} is missing" for key in expected if key not in found)
    yield from (f"{_called(key)} is not of this circuit" for key in found if key not in expected)
    for key, card in expected.items():
        if key in found:
            yield from _apart(found[key], card, _called(key), rng)


def _called(key: tuple[str, str]) -> str:
    return " ".join(key).strip()


def _by_name(cards: Iterable[Card]) -> tuple[dict[tuple[str, str], Card], list[tuple[str, str]]]:
    found: dict[tuple[str, str], Card] = {}
    twice = []
    for card in cards:
        key = card.kind, card.name
        if key in found:
            twice.append(key)
        found[key] = card
    return found, twice


def _told(cards: Iterable[Card], dialect: Dialect) -> Iterator[Card]:
    """Yield those of ngspice's cards that `dialect` has, tolerances under its names for them."""
    for card in cards:
        if card.kind == "comment" or (card.kind == "measured" and not dialect.measures):
            continue
        if card.kind == "tolerances":
            yield Card(kind=card.kind, values={word: card.values[name] for name, word in dialect.tolerances.items()})
        else:
            yield card


def _apart(found: Card, expected: Card, name: str, rng: np.random.Generator) -> Iterator[str]:
    if found.nodes != expected.nodes:
        yield f"{name} is between {' '.join(found.nodes)}, not {' '.join(expected.nodes)}"
    if found.of != expected.of:
        yield f"{name} is of {found.of}, not of {expected.of}"
    if set(found.values) != set(expected.values):
        yield f"{name} tells {sorted(found.values)}, not {sorted(expected.values)}"
    for word in sorted(set(found.values) & set(expected.values)):
        if not same(found.values[word], expected.values[word], rng):
            yield f"{name} has another {word}"
    inside, twice = _by_name(found.body)
    wanted, _ = _by_name(expected.body)
    if twice or set(inside) != set(wanted):
        yield f"{name} holds {sorted(map(_called, inside))}, not {sorted(map(_called, wanted))}"
    for key in sorted(set(inside) & set(wanted)):
        yield from _apart(inside[key], wanted[key], f"{_called(key)} in {name}", rng)


def same(one: Expression, other: Expression, rng: np.random.Generator) -> bool:
    """Return whether two expressions are the same function of the same leaves."""
    if isinstance(one, Number) and isinstance(other, Number):
        return float(one.text) == float(other.text)
    known = sorted(leaves(one))
    if known != sorted(leaves(other)):
        return False
    compared = 0
    for _ in range(DRAWS):
        sizes = 10.0 ** rng.uniform(-2, 2.5, len(known)) * rng.choice([-1.0, 1.0], len(known))
        states = dict(zip(known, sizes.tolist(), strict=True))
        values = _value(one, states), _value(other, states)
        if not np.isclose(values[0], values[1], rtol=PRECISION, atol=0, equal_nan=True):
            return False
        compared += bool(np.isfinite(values[0]))
    return compared > 0


def _value(expression: Expression, states: Mapping[str, float]) -> float:
    """Return the value of `expression`, not a number where it has none or overflows."""
    try:
        return evaluate(expression, states)
    except (OverflowError, ZeroDivisionError):
        return float("nan")
