"""The pictures of a run, written to its folder."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from crossbar.errors import InvalidValue, MissingFile
from crossbar.output_files import write_atomically
from hvae.learning import unsettled
from hvae.reports import figures
from hvae.runs import images, loading
from hvae.runs.records import RunFolder
from hvae.scores import evaluation, sampling
from hvae.streams import stream

MOST_IN_A_PICTURE = 10_000
PANELS = {
    "SSE/2": {"training": "sse_half", "validation": "validation_sse_half"},
    "KL divergence (nat)": {"training": "kl", "validation": "validation_kl"},
    "Frechet distance": {"validation": "validation_frechet_distance"},
    "sweeps an example": {"decoder": "decoder_sweeps", "encoder": "encoder_sweeps"},
    "largest values": {"largest |w|": "largest_weight", "largest |s|": "largest_state"},
    "kurtosis of mu": {"validation": "validation_mu_kurtosis"},
    "bits of the code, at most": {"validation": "validation_code_bits"},
    "smallest Hessian eigenvalue": {"decoder": "smallest_eigenvalue"},
    "error of the gradient": {"of a few images": "gradient_error", "bound of a batch": "gradient_bound"},
}
"""What the learning curves show, from the names in metrics.jsonl."""


def draw_run(run: Path, folder: Path, seed: int) -> list[Path]:
    """Draw Figures 2 to 4 of the paper for one run, and its learning curves; return the files written.

    Samples are generated from the run's own prior, ``sampling.prior``.

    Raises
    ------
    UnsettledError
        More samples than `settling.max_unsettled` of the run did not settle.
    """
    tally = unsettled.Tally()
    trained = loading.load(run).counted(tally)
    folder.mkdir(parents=True, exist_ok=True)  # before the work: it may not be allowed
    dataset = images.load(trained.config.data)
    name = trained.config.model.name
    chosen = figures.first_of_each_class(dataset.test_labels)[: figures.MOST_CLASSES]
    originals = images.picture(dataset.test_images, dataset.shape)
    output, _, _ = sampling.reconstruct(
        trained.learner, trained.parameters, dataset.test_images[chosen], stream(seed, "latent")
    )
    decoded = images.picture(np.clip(output, -1, 1), dataset.shape)
    prior = trained.config.sampling.prior
    density = evaluation.density(trained, dataset, trained.config.sampling, seed)
    rng = stream(seed, "sampling")
    made = sampling.generate(trained.learner, trained.parameters, 100, rng, density)
    generated = images.picture(made, dataset.shape)
    unsettled.refuse({evaluation.UNSETTLED: tally.unsettled}, trained.config.settling.max_unsettled)
    drawn = {
        "originals": figures.originals(originals, dataset.test_labels),
        "reconstructions": figures.reconstructions(originals[chosen], {name: decoded}),
        "samples": figures.samples(generated, f"{name}: generated from z ~ {evaluation.source(prior)}"),
    }
    if run.is_dir():
        drawn["learning_curves"] = figures.learning_curves(RunFolder.open(run).metrics(), PANELS)
    return [path for stem, figure in drawn.items() for path in figures.save(figure, folder / stem)]


def check_picture(path: Path, count: int = 1) -> None:
    """Refuse a path that `write_images` cannot write `count` images to.

    Raises
    ------
    InvalidValue, MissingFile
        Another suffix; more images than a picture shows; there is no such folder.
    """
    if path.suffix.lower() not in {".png", ".svg", ".npy"}:
        raise InvalidValue(f"`--out` must end in .png, .svg or .npy, but got {path.name!r}")
    if count > MOST_IN_A_PICTURE and path.suffix.lower() != ".npy":
        raise InvalidValue(
            f"a picture shows at most {MOST_IN_A_PICTURE:,} images, but got --n {count:,}: let `--out` end in .npy, or "
            "choose a smaller --n"
        )
    if not path.parent.is_dir():
        raise MissingFile(f"no folder {path.parent}: make it first, or choose another `--out`")


def write_images(generated: np.ndarray, shape: tuple[int, int, int], path: Path, title: str) -> Path:
    """Write `generated` (n, pixels) of `shape` as a picture (.png, .svg) or as numbers (.npy); return the path.

    Raises
    ------
    InvalidValue, MissingFile
        Another suffix; there is no such folder.
    """
    check_picture(path, len(generated))
    content = io.BytesIO()
    if path.suffix.lower() == ".npy":
        np.save(content, generated)
    else:
        kind = path.suffix.lower().removeprefix(".")
        figures.samples(images.picture(generated, shape), title).savefig(content, format=kind)
    write_atomically(path, content.getvalue())
    return path
