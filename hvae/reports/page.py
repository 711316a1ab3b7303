"""One HTML page about one run: what was trained, what it draws, what devices, SPICE and silicon make of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from crossbar import input_files
from crossbar.errors import CorruptFile
from crossbar.output_files import write_text
from hvae.runs.records import RunFolder
from hvae.scores import codes, yardstick

FIGURES = {
    "samples": "Generated.",
    "reconstructions": "Test images and their reconstructions.",
    "originals": "Originals.",
    "learning_curves": "Learning curves.",
}
_AGAIN = "make it again, or remove it"
SCORES = {
    key: key.replace("_", " ")
    for key in (
        "sse_half", "kl", "frechet_distance", "floor", "kernel_distance", "precision", "recall", "active_latents",
        "n_fake", "unsettled",
    )
}  # fmt: skip
COMPARED = {
    "pca_latents": "latents",
    "sse_half_mean": "SSE/2 from mu",
    "pca_sse_half": "PCA's",
    "reconstruction_distance": "distance: reconstructions",
    "pca_reconstruction_distance": "PCA's",
    "perfect_prior_distance": "perfect prior",
    "frechet_distance": "own prior",
    "pca_distance": "PCA, same prior",
}
CODES = {
    "active_latents": "active latents",
    "mu_kurtosis": "kurtosis of mu",
    "mu_saturated": "share near its ends",
    "mu_p5": "mu: 5th percentile",
    "mu_p95": "95th",
    "mu_largest": "largest |mu|",
    "kl_bits": "KL (bit)",
    "code_bits": "bits at most",
}
_SHAPES = (
    "Kurtosis and share near the ends of its range: 1 and 1 where mu has two values, 1.8 and 0.22 where it is uniform, "
    "3 and 0.06 where it is Gaussian. The last column bounds what the latents tell of an image."
)
_HOW = (
    "Frechet distances of reconstructions from mu, of images decoded from encodings of training images (a perfect "
    "prior), and of generated images. PCA is fitted to the same training images, the same kind of prior to its scores."
)
_BETTER = "Nowhere worse than PCA."
VERIFIED = (
    "engine", "engine_version", "mode", "n_neurons", "n_memristors", "max_abs_error", "tolerance", "passed", "seconds",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page: a table (its first row the heads), pictures with captions, and a sentence before them."""

    title: str
    text: str = ""
    table: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()  # sentences below the table
    pictures: tuple[tuple[str, str], ...] = ()  # caption and data in base64


def write(run: Path, path: Path) -> Path:
    """Write the page about the run folder `run` to `path` and return it; the page needs no other file.

    It shows what lies in the folder: ``evaluation*.json`` and ``figures/``, the evaluations of chips programmed from
    the run (``CHIP.evaluation*.json``), ``verification.json`` of `hopbar verify --keep` and ``area.json`` of `hopbar
    area --pictures`, in whatever folders below the run. What was not made is named with the command that makes it.

    Raises
    ------
    MissingFile
        There is no run.
    CorruptFile
        One of those files is no JSON.
    """
    folder = RunFolder.open(run)
    config = folder.config()
    title = f"{config.model.name} on {config.data.name}"
    environment = folder.environment()
    templates = jinja2.Environment(loader=jinja2.PackageLoader("hvae"), autoescape=True)
    page = templates.get_template("run.html.j2").render(
        title=title,
        commit=environment.get("commit", "unknown"),
        command=_command(environment.get("command", [])),
        config=(run / "config.toml").read_text(encoding="utf-8"),
        explored=(path.parent / "explore.html").is_file(),
        sections=[*_sections(run)],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_text(path, page)


def _sections(run: Path) -> Iterable[Section]:
    yield _drawn(run)
    yield _scored(run)
    yield _coded(run)
    yield _compared(run)
    yield _verified(run)
    yield _measured(run)


def _drawn(run: Path) -> Section:
    pictures = tuple(
        (caption, _data(run / "figures" / f"{name}.png"))
        for name, caption in FIGURES.items()
        if (run / "figures" / f"{name}.png").exists()
    )
    return Section(title="What it draws", text="" if pictures else _missing("figures", run), pictures=pictures)


def _scored(run: Path) -> Section:
    title = "Scores, in floating point and on devices"
    evaluations = _evaluations(run)
    if not evaluations:
        return Section(title=title, text=_missing("evaluate", run))
    return Section(title=title, table=_columns(evaluations, SCORES))


def _coded(run: Path) -> Section:
    title = "What its latents hold"
    measured = {name: found for name, found in _evaluations(run).items() if codes.KEYS.keys() <= found.keys()}
    if not measured:
        return Section(title=title, text=_missing("evaluate", run))
    return Section(title=title, table=_columns(measured, CODES), notes=(_SHAPES, *_told(measured, codes.verdicts)))


def _compared(run: Path) -> Section:
    title = "Beside principal components of as many latents"
    measured = {name: found for name, found in _evaluations(run).items() if yardstick.KEYS.keys() <= found.keys()}
    if not measured:
        return Section(title=title, text=_missing("evaluate", run))
    told = _told(measured, yardstick.verdicts) or [_BETTER]
    return Section(title=title, table=_columns(measured, COMPARED), notes=(_HOW, *told))


def _told(found: Mapping[str, Mapping[str, Any]], verdicts: Callable[[Mapping[str, Any]], list[str]]) -> list[str]:
    """Return what `verdicts` says of evaluations by name, each sentence once, with the names that it is said of."""
    names: dict[str, list[str]] = {}
    for name, one in found.items():
        for sentence in verdicts(one):
            names.setdefault(sentence, []).append(name)
    return [f"{', '.join(of)}: {sentence}." for sentence, of in names.items()]


def _evaluations(run: Path) -> dict[str, Mapping[str, Any]]:
    """Return the evaluations of the run, and of the chips programmed from it, by name."""
    own = {path.stem: _read(path) for path in sorted(run.glob("evaluation*.json"))}
    return own | {
        str(path.relative_to(run)).removesuffix(".json").replace(".evaluation", "") + " (programmed)": _read(path)
        for path in sorted(run.rglob("*.evaluation*.json"))
    }


def _columns(evaluations: Mapping[str, Mapping[str, Any]], keys: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    rows = [(name, *(_number(found.get(key)) for key in keys)) for name, found in evaluations.items()]
    return (("", *keys.values()), *rows)


def _verified(run: Path) -> Section:
    title = "In a circuit simulator"
    found = {path.parent: _read(path) for path in sorted(run.rglob("verification.json"))}
    if not found:
        return Section(title=title, text=_missing("verify", run, f"--keep {run / 'verify'}"))
    rows = [tuple(_number(one.get(key)) for key in VERIFIED) for one in found.values()]
    pictures = tuple(
        (caption, _data(folder / name))
        for folder in found
        for name, caption in (("images.png", "SPICE beside the simulator."), ("waveforms.png", "Waveforms."))
        if (folder / name).exists()
    )
    return Section(title=title, table=(tuple(key.replace("_", " ") for key in VERIFIED), *rows), pictures=pictures)


def _measured(run: Path) -> Section:
    title = "In silicon"
    found = {path.parent: _read(path) for path in sorted(run.rglob("area.json"))}
    if not found:
        return Section(title=title, text=_missing("area", run, f"tdh-vae dh-vae --pictures {run / 'area'}"))
    heads = ("chip", "node (nm)", "memristors", "neurons", "area (mm2): 5 %", "median", "95 %")
    rows = [row for folder, one in found.items() for row in _areas(folder / "area.json", one)]
    pictures = tuple((path.stem, _data(path)) for folder in found for path in sorted(folder.glob("area-*.png")))
    return Section(title=title, table=(heads, *rows), pictures=pictures)


def _areas(path: Path, found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each model of an area.json."""
    try:
        return [
            (name, str(found["node"]), _number(model["n_memristors"]), _number(model["n_neurons"]),
             *(_number(model["area_mm2"][key]) for key in ("p5", "p50", "p95")))
            for name, model in found["models"].items()
        ]  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptFile(f"{path} is no record of `hopbar area --pictures` ({error!r}); {_AGAIN}") from error


def _command(words: Any) -> str:
    return " ".join(map(str, words)) if isinstance(words, list) else str(words)


def _missing(command: str, run: Path, rest: str = "") -> str:
    return f"Not made yet: hopbar {command} {run} {rest}".rstrip()


def _read(path: Path) -> Mapping[str, Any]:
    return input_files.json_object(path, _AGAIN)


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "-" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
