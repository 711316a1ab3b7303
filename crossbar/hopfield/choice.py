"""Which solver the couplings allow: the fastest one whose premises they fulfil."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.hopfield.asymmetric import HeldAntisymmetry
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import Couplings
from crossbar.hopfield.settling import Euler, Solver

SWEEPS = {"ConjugateGradient": 1000, "HeldAntisymmetry": 3000, "Euler": 3000}
"""Products with W that each solver may take where nobody says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A solver and why it was chosen.

    Attributes
    ----------
    solver : Solver
    reason : str
        What the couplings are.
    """

    solver: Solver
    reason: str

    @property
    def name(self) -> str:
        """Name of the solver's class."""
        return type(self.solver).__name__


def choose_solver(
    couplings: Couplings, *, tolerance: float, max_sweeps: int | None = None, time_step: float = 0.3
) -> Choice:
    """Return the solver for `couplings`.

    ================================  ======================  ===================================================
    couplings                         solver                  because
    ================================  ======================  ===================================================
    symmetric, static and linear      `ConjugateGradient`     an energy exists (eq. 1), and can be descended
    static and linear                 `HeldAntisymmetry`      the symmetric part has an energy, the rest is a field
    noisy, converted or curved        `Euler`                 no energy: the neurons' own steps (eq. 3)
    ================================  ======================  ===================================================

    Parameters
    ----------
    tolerance : float
        Settled when no component of s - rho'(s) (W rho(s) + drive) is larger; Euler stops there too.
    max_sweeps : int, optional
        Products with W that a sample may take; None: see `SWEEPS`.
    time_step : float
        Of Euler, in time constants of a neuron.

    Raises
    ------
    InvalidValue
        A tolerance or a limit that the solver refuses.
    """
    if couplings.symmetric and couplings.static and couplings.linear:
        limit = SWEEPS["ConjugateGradient"] if max_sweeps is None else max_sweeps
        found = ConjugateGradient(tolerance=tolerance, max_sweeps=limit)
        return Choice(solver=found, reason="symmetric, static couplings have an energy (eq. 1)")
    if couplings.static and couplings.linear:
        limit = SWEEPS["HeldAntisymmetry"] if max_sweeps is None else max_sweeps
        held = HeldAntisymmetry(tolerance=tolerance, max_sweeps=limit, max_rounds=max(30, limit // 10))
        return Choice(solver=held, reason="static couplings with W != W^T: their antisymmetric part is held as a field")
    limit = SWEEPS["Euler"] if max_sweeps is None else max_sweeps
    steps = Euler(tolerance=tolerance, max_sweeps=limit, time_step=time_step)
    reasons = (("noise", not couplings.static), ("converters or curved cells", not couplings.linear))
    what = " and ".join(word for word, here in reasons if here)
    return Choice(solver=steps, reason=f"no energy exists with {what}: the neurons' own steps (eq. 3)")
