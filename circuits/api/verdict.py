"""Is the exported circuit the trained chip? A verdict that explains itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circuits.circuit.layout import Choices, Layout
from circuits.verification.exporting import Proof, prove
from crossbar.chip import Chip, load_chip
from crossbar.errors import unknown_name


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Verdict:
    """What the proof of a chip found; true where every state agreed.

    Attributes
    ----------
    passed : bool
        Whether no state differs by more than `tolerance`.
    max_abs_error, tolerance : float
        Of a state, V (in the mode "tile" of a current, as a share of the largest one).
    blocks : mapping of str to mapping
        Maximum and rms error by "role.block".
    summary : mapping
        All figures, as `hopbar verify --json` prints them.

    Examples
    --------
    >>> from circuits import Verdict
    >>> bool(Verdict(passed=True, max_abs_error=2e-9, tolerance=1e-6, blocks={}, summary={}))
    True
    """

    passed: bool
    max_abs_error: float
    tolerance: float
    blocks: Mapping[str, Mapping[str, float]]
    summary: Mapping[str, Any]

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        said = self.summary
        lines = [
            f"Verdict({'passed' if self.passed else 'FAILED'}: {said.get('engine')} {said.get('engine_version')} and "
            f"crossbar differ by at most {self.max_abs_error:.1e} {said.get('unit', 'V')}, {self.tolerance:.0e} "
            f"allowed; {said.get('mode')} {said.get('analysis')}, {said.get('n_samples')} samples, "
            f"{said.get('n_neurons')} neurons, {said.get('n_memristors', 0):,} memristors"
        ]
        lines += [f"  {name}: max {error['max']:.1e}, rms {error['rms']:.1e}" for name, error in self.blocks.items()]
        return "\n".join(lines) + ")"


def verify(
    chip: Chip | str | Path,
    engine: str = "ngspice",
    *,
    n_samples: int = 1,
    keep: str | Path | None = None,
    **asked: Any,
) -> Verdict:
    """Settle the circuits of a chip in a circuit simulator and compare every state with `crossbar`'s.

    Parameters
    ----------
    chip : Chip, str or Path
        A chip, its file or run folder; it must carry examples.
    engine : {"ngspice", "pyspice", "inspice", "vacask"}
    n_samples : int
        How many of the chip's examples.
    keep : str or Path, optional
        Folder for netlists, logs, pictures and verification.json.
    **asked
        Fields of `circuits.verification.exporting.Proof` (`role`, `mode`, `analysis`, `seed`, `seconds`, `gigabytes`)
        and of `circuits.circuit.layout.Choices` (`symmetry`, `device`, `amplifier`, `wires`, `g_min`, `g_max` in S).

    Returns
    -------
    Verdict

    Raises
    ------
    MissingFile, CorruptFile
        No such chip.
    InvalidValue
        More samples than the chip carries, or choices that contradict each other.
    UnknownName
        No such engine or field.
    EngineError
        The circuit simulator is missing or failed; the message names the remedy.

    Examples
    --------
    A chip of 17 neurons in ngspice (apt-get install ngspice):

    >>> import numpy as np
    >>> import circuits
    >>> from crossbar import Chip
    >>> from crossbar.hopfield.network import Network
    >>> rng = np.random.default_rng(0)
    >>> net = Network((("pixels", 9), ("hidden", 6), ("latent", 2)))
    >>> W = np.triu(rng.normal(0, 0.3, (17, 17)), 1)
    >>> chip = Chip(model="tdh-vae", networks={"tied": net}, weights={"tied": W + W.T}, sigma=0.4,
    ...             image_shape=(3, 3), examples=rng.uniform(-1, 1, (1, 9)))
    >>> circuits.verify(chip, "ngspice").passed
    True
    """
    proof_fields, choice_fields = set(Proof.__dataclass_fields__), set(Choices.__dataclass_fields__)
    for word in asked:
        if word not in proof_fields | choice_fields:
            raise unknown_name("field of a proof or a layout", word, proof_fields | choice_fields)
    proof = Proof(
        engine=engine, n_samples=n_samples, keep=None if keep is None else Path(keep),
        **{word: value for word, value in asked.items() if word in proof_fields},
    )  # fmt: skip
    choices = Choices(**{word: value for word, value in asked.items() if word in choice_fields})
    loaded = chip if isinstance(chip, Chip) else load_chip(chip)
    summary = prove(Layout(chip=loaded, choices=choices), proof)
    return Verdict(
        passed=bool(summary["passed"]), max_abs_error=float(summary["max_abs_error"]),
        tolerance=float(summary["tolerance"]), blocks=summary["blocks"], summary=summary,
    )  # fmt: skip
