"""The sample-and-hold: keeps a latent while the array is turned round."""

from __future__ import annotations


def sample_hold() -> str:
    """Return `sample_hold s h track`: v(h) follows v(s) while v(track) is 1, and stays when it falls.

    A unity buffer, a switch and c_hold; the droop over a time t is t / (r_off c_hold).
    """
    return """\
.subckt sample_hold s h track
Ebuffer b 0 s 0 1
Strack b h track 0 gate
Chold h 0 {c_hold} ic=0
.ends sample_hold
"""
