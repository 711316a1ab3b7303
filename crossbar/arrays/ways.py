"""How a network on an array can be brought to rest, from what the array is.

| way | when | what settles |
| --- | --- | --- |
| energy | reads symmetric and repeatable for the whole batch | a descent of the energy, eq. (1), on the array |
| phases | symmetric, repeatable within a phase, noise moving between phases | the same, each phase anew |
| warm | symmetric devices, white noise or converters | the noise-free energy, then steps of the noisy chip |
| stepped | everything else, cells that are not ohmic too | every step of eq. (3) on the array, from zero |

`crossbar.hopfield.choice` names the solver for one settling of any couplings; here it is a whole batch of phases.
"""

from __future__ import annotations

from crossbar.arrays.array import CrossbarArray

WAYS = ("energy", "phases", "warm", "stepped")


def way(array: CrossbarArray) -> str:
    """Return which of `WAYS` `array` allows, the fastest first."""
    noise = array.config.read_noise
    if array.symmetric and array.static:
        return "energy" if noise.off or noise.spectrum == "batch" else "phases"
    if array.config.cell is not None:
        return "stepped"  # its rest points are not near those of the noise-free energy
    forgets = noise.off or not noise.fast  # noise of one read says nothing of the next
    return "warm" if array.config.symmetry == "shared" and forgets else "stepped"
