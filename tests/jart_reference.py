"""JART VCM v1b once more, from its paper's equations in their own units: barrier and resistances by bisection."""

import math
from dataclasses import dataclass

from scipy.optimize import brentq

Q, BOLTZMANN, PLANCK, MASS, EPS0 = 1.602176634e-19, 1.380649e-23, 6.62607015e-34, 9.1093837e-31, 8.8541878128e-12
VALENCE, RICHARDSON = 2, 6.01e5
AREA = math.pi * 45e-9**2
LOWEST, HIGHEST, PLUG = 0.008, 20.0, 20.0  # vacancies, 1e26 / m3
CELL, DISC, HOP, ATTEMPTS, BARRIER = 3e-9, 0.4e-9, 0.25e-9, 2e13, 1.35


@dataclass(frozen=True)
class Point:
    """One operating point."""

    schottky: float
    current: float
    kelvin: float
    r_disc: float
    r_plug: float


def schottky_current(volts: float, vacancies: float, kelvin: float) -> float:
    """Current (A) of the barrier."""
    charges, heat = VALENCE * vacancies * 1e26, BOLTZMANN * kelvin
    room = 0.18 - 0.1 - volts
    lowered = (Q**3 * charges * room / (8 * math.pi**2 * (5.5 * EPS0) ** 3)) ** 0.25 if room > 0 else 0.0
    barrier = max(0.18 - lowered, 0.0)
    if volts > 0:
        return AREA * RICHARDSON * kelvin**2 * math.exp(-barrier * Q / heat) * math.expm1(Q * volts / heat)
    w00 = Q * PLANCK / (4 * math.pi) * math.sqrt(charges / (MASS * 17 * EPS0))
    ratio = w00 / heat
    w0, slope = w00 / math.tanh(ratio), w00 / (ratio - math.tanh(ratio))
    root = math.sqrt(math.pi * w00 * Q * (abs(volts) + barrier / math.cosh(ratio) ** 2))
    return -AREA * RICHARDSON * kelvin / BOLTZMANN * root * math.exp(-Q * barrier / w0) * math.expm1(Q * -volts / slope)


def point(volts: float, vacancies: float) -> Point:
    """Operating point at `volts`."""
    of_one = 1 / (VALENCE * 1e26 * Q * 4e-6 * AREA)
    r_disc, r_plug = of_one * DISC / vacancies, of_one * (CELL - DISC) / PLUG
    thermal = 15.72e6 * (0.27 if volts > 0 else 1.0)

    def current(schottky: float) -> float:
        def missing(amperes: float) -> float:
            line = 719.2437 * (1 + 719.2437 * 3.92e-3 * amperes**2 * 90471.47)
            return amperes * (r_disc + r_plug + 650 + line) - (volts - schottky)

        return brentq(missing, -1, 1, xtol=1e-20, rtol=1e-14)

    def kelvin(schottky: float) -> float:
        amperes = current(schottky)
        return 293 + thermal * amperes * (schottky + amperes * (r_disc + r_plug))

    def open_loop(schottky: float) -> float:
        return schottky_current(schottky, vacancies, kelvin(schottky)) - current(schottky)

    # near 0.08 V at the barrier, where its lowering ends, there may be two more solutions: a device that comes from 0 V
    # takes the first, which is found by small steps
    step = math.copysign(min(abs(volts), 5e-4), volts)
    end = step
    while open_loop(end) * open_loop(0.0) > 0:
        end += step
    found = brentq(open_loop, *sorted((end - step, end)), xtol=1e-16, rtol=1e-13)
    return Point(schottky=found, current=current(found), kelvin=kelvin(found), r_disc=r_disc, r_plug=r_plug)


def rate(volts: float, vacancies: float) -> float:
    """How fast vacancies gather in the disc, 1e26 / m3 / s."""
    at = point(volts, vacancies)
    across = at.schottky + at.current * (at.r_disc + at.r_plug) if volts > 0 else at.current * at.r_disc
    gamma = VALENCE * across / (CELL if volts > 0 else DISC) * HOP / (math.pi * BARRIER)
    middle, half = math.sqrt(1 - gamma**2) + gamma * math.asin(gamma), gamma * math.pi / 2
    heat = BOLTZMANN * at.kelvin / Q
    jumps = math.exp(-BARRIER * (middle - half) / heat) - math.exp(-BARRIER * (middle + half) / heat)
    left = 1 - (LOWEST / vacancies) ** 10 if volts > 0 else 1 - (vacancies / HIGHEST) ** 10
    return -(PLUG + vacancies) / 2 * HOP * ATTEMPTS / DISC * jumps * left
