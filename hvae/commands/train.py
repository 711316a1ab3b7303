"""The commands that train, score and show models: train, evaluate, figures, sample, show-config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from hvae.config.run import RunConfig
    from hvae.data.sets import Dataset

PRIORS = ("standard", "gaussian", "mixture", "mixture-heldout", "encodings")
YARDSTICKS = ("pca", "none")
INTERRUPTED = 130

_run = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


@click.command(short_help="Train a model, or continue a run.")
@click.argument("model", metavar="MODEL")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run, new unless --resume.")
@click.option(
    "--dataset", metavar="NAME_OR_PATH",
    help="mnist-5k (embedded), mnist, fashion-mnist, digits; or your images: a folder, .npz, .npy, HDF5 or IDX.",
)  # fmt: skip
@click.option("--epochs", type=int, help="Passes over the training set.")
@click.option("--seed", type=int, help="Seed of everything random in the run.")
@click.option("--config", "files", multiple=True, type=click.Path(path_type=Path), help="TOML file of changes.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One change, such as model.latent=16.")
@click.option("--array", metavar="PRESET", help="Train on crossbars of this device (see `hopbar devices`), or `ideal`.")
@click.option("--aware", metavar="DEVICE", help="Train floats with the errors that this device makes when programmed.")
@click.option("--from-sweep", metavar="DIR", help="Start from the best trial of a sweep: its folder, or URL#STUDY.")
@click.option(
    "--start", type=click.Path(path_type=Path), metavar="RUN_OR_CHIP", help="Begin at its weights, not at random ones."
)
@click.option("--resume", is_flag=True, help="Continue the run in --out from its checkpoint; --epochs makes it longer.")
@click.option("--engine", type=click.Choice(["numpy", "torch"]), help="What makes the steps; numpy by default.")
@click.option("--device", help="Of the engine torch, such as cuda; cpu by default.")
@_json
def train(
    model: str,
    out: Path,
    dataset: str | None,
    epochs: int | None,
    seed: int | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    array: str | None,
    aware: str | None,
    from_sweep: str | None,
    start: Path | None,
    resume: bool,
    engine: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Train MODEL: f-vae, h-vae, dh-vae or tdh-vae, with the paper's Table 3 as defaults.

    Ctrl-C stops at a checkpoint; `--resume` goes on as if nothing had happened, after `kill -9` too. With more
    `--epochs` a run, finished or not, is trained for longer, and what that does to its learning rate is told.

    Example: `hopbar train tdh-vae --dataset mnist --config examples/tdh-vae.toml --out runs/tdh`
    """
    from hvae.config import own_images, toml_file
    from hvae.onchip.calibration import calibrated
    from hvae.onchip.chip import for_array
    from hvae.runs import lengthening
    from hvae.runs.records import RunFolder
    from hvae.training import starts
    from hvae.training.engines import Choice
    from hvae.training.watching import watch

    named = {"training.epochs": epochs, "training.seed": seed, "array.device": array, "aware.device": aware}
    given = [f"{key}={value}" for key, value in named.items() if value is not None]
    given += [] if dataset is None else own_images.settings(dataset)
    images = None
    chosen = None if engine is None and device is None else Choice(engine or "numpy", device or "cpu")
    if resume:
        folder = RunFolder.open(out)
        own = [one for one in given if not one.startswith("training.epochs=")]
        _refuse_changes(folder, model, files, [*_swept(from_sweep, model), *own, *overrides], start)
        if epochs not in (None, folder.config().training.epochs):
            click.echo(lengthening.lengthen(folder, epochs), err=True)
    else:
        config = for_array(toml_file.resolve(model, files, [*_swept(from_sweep, model), *given, *overrides]))
        RunFolder.refuse_what_exists(out)
        images = _prepared(config)
        if chosen is not None:
            chosen.check(config)
        weights = starts.weights_of(start, config) if start else None
        config = calibrated(config, weights, images.train_images)
        folder = RunFolder.create(out, config)
        if start and weights:
            reports = starts.begin(folder, config, start, weights)
            if reports:
                click.echo(starts.told(reports), err=True)
    finished, last = watch(folder, images, chosen)
    if as_json:
        click.echo(json.dumps({"run": str(out), "model": model, "finished": finished, **last}))
    if not finished:
        raise SystemExit(INTERRUPTED)


def _prepared(config: RunConfig) -> Dataset:
    """Return the data of a run that is about to be made; what would stop its first step is said before it has a folder.

    Raises
    ------
    HopbarError
        No memory, solver or chip for it; no data.
    """
    from hvae.learning import learners
    from hvae.models import memory
    from hvae.runs import images
    from hvae.training.disturbance import Disturbance

    memory.check(config)
    learners.make(config)
    Disturbance.of(config)
    return images.load(config.data)


def _swept(source: str | None, model: str) -> list[str]:
    if source is None:
        return []
    from hvae.sweeps import study  # Optuna takes its time to load

    return study.overrides(source, model)


def _refuse_changes(
    folder: Any, model: str, files: tuple[Path, ...], settings: list[str], start: str | Path | None
) -> None:
    """Raise `InvalidValue` unless what a command says of a run that is resumed is what the run has."""
    from crossbar.errors import InvalidValue
    from hvae.config import toml_file

    held = folder.config()
    if held.model.name != model:
        raise InvalidValue(f"{folder.path} is a run of {held.model.name!r}, but the command says {model!r}")
    if start is not None:
        raise InvalidValue("a resumed run keeps its configuration and has begun already: leave out --start")
    asked = toml_file.resolve(model, (folder.path / "config.toml", *files), settings)
    told = [
        f"{key} is {one!r}, not {other!r}"
        for key, one, other in toml_file.differences(held, asked)
        if (key, other) != ("array.adc_range", "data")  # found from data when the run began
    ]
    if told:
        raise InvalidValue(f"a resumed run keeps its configuration, but {'; '.join(told[:3])}: leave that out")


@click.command(short_help="Score a trained run or chip.")
@_run
@click.option("--split", type=click.Choice(["test", "validation"]), default="test", show_default=True)
@click.option("--n", "count", type=click.IntRange(4), help="Generated images; as many as the split has by default.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of latents and samples.")
@click.option("--prior", type=click.Choice(PRIORS), help="Density of z; the run's by default (N(0, I)).")
@click.option(
    "--features", default="classifier", show_default=True, metavar="NAME_OR_FILE",
    help="classifier (ours, or principal components of your images), pca, inception, or a file of `hopbar features`.",
)  # fmt: skip
@click.option("--weights", type=click.Path(path_type=Path), help="File of Inception's weights.")
@click.option(
    "--yardstick", type=click.Choice(YARDSTICKS), default="pca", show_default=True,
    help="What stands beside the scores: PCA of as many latents, a perfect prior, reconstructions; or nothing.",
)
@click.option("--out", type=click.Path(path_type=Path), help="JSON file of the scores; in RUN, or beside the chip.")
@click.option("--no-keep", is_flag=True, help="Print the scores, and write no file.")
@_json
def evaluate(
    run: Path,
    split: str,
    count: int | None,
    seed: int,
    prior: str | None,
    features: str,
    weights: Path | None,
    yardstick: str,
    out: Path | None,
    no_keep: bool,
    as_json: bool,
) -> None:
    """Score RUN, a run folder or a chip file: losses, Frechet and kernel distance, with the floor beside them.

    The yardstick beside them tells which part is the decoder's and which the prior's, and says where PCA is better.

    Scores that cannot be kept, on a full or read-only disk, are printed all the same, and stderr says so.

    Example: `hopbar evaluate runs/tdh --json`
    """
    from crossbar.errors import InvalidValue
    from crossbar.output_files import check_out
    from hvae.reports.tables import show_evaluation
    from hvae.runs import images, loading
    from hvae.scores import evaluation, inception, sampling
    from hvae.scores import features as named_features
    from hvae.scores import yardstick as yardsticks

    if out is not None:
        if no_keep:
            raise InvalidValue("`--out` says where to keep the scores, and `--no-keep` not to: leave one out")
        check_out(out)
    sampling.refuse_too_many(count or 1)
    judge = inception.load(weights) if features == "inception" else None
    trained = loading.load(run)
    dataset = images.load(trained.config.data)
    extractor = judge or named_features.named(features, dataset)
    how: dict[str, Any] = {"split": split, "seed": seed, "count": count, "extractor": extractor}
    settings = evaluation.settings_of(trained, prior)
    found = evaluation.evaluate_trained(trained, dataset, settings=settings, **how)
    if yardstick == "pca":
        found |= yardsticks.measure(trained, dataset, settings, **how, tell=lambda what: click.echo(what, err=True))
    failure = None if no_keep else _not_kept(run, trained, found, out)
    _refuse_or_warn(found["unsettled"], trained)
    if found["active_latents"] == 0:
        click.echo(f"hopbar: {evaluation.COLLAPSED}", err=True)
    if as_json:
        click.echo(json.dumps(found))
    else:
        show_evaluation(found)
    if failure is not None:
        why = f"{failure.filename}: {failure.strerror}"
        click.echo(f"hopbar: the scores above were not kept ({why}); give --out FILE to keep them elsewhere", err=True)


def _not_kept(run: Path, trained: Any, found: Any, out: Path | None) -> OSError | None:
    """Keep the scores `found`; return why that failed, unless `out` asked for it: they are printed all the same."""
    from hvae.scores import evaluation

    try:
        evaluation.keep(run, trained, found, out)
    except OSError as error:
        if out is not None:
            raise
        return error
    return None


def _refuse_or_warn(share: Any, trained: Any) -> None:
    """Refuse the `share` of samples that did not settle if it is above the run's limit, or say that it is large."""
    from hvae.learning import unsettled
    from hvae.scores import evaluation

    shares = {evaluation.UNSETTLED: share}
    unsettled.refuse(shares, trained.config.settling.max_unsettled)
    told = unsettled.warning(shares)
    if told:
        click.echo(told, err=True)


@click.command("features", short_help="Train features of your own images.")
@_run
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write, .h5.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the classifier.")
@_json
def features_command(run: Path, out: Path, seed: int, as_json: bool) -> None:
    """Train a small classifier on the images of RUN, whose hidden layer judges what the run generates.

    For images that none of our classifiers belongs to. `hopbar evaluate RUN --features FILE` takes the file.

    Example: `hopbar features runs/own --out features.h5`
    """
    from crossbar.output_files import check_out
    from hvae.runs import images
    from hvae.runs.records import RunFolder
    from hvae.scores import trained_features

    check_out(out)
    found = trained_features.train(images.load(RunFolder.open(run).config().data), seed)
    found.save(out)
    facts = {"features": found.name, "test_accuracy": found.accuracy, "out": str(out)}
    click.echo(json.dumps(facts) if as_json else f"{found.name}: {found.accuracy:.1%} right on the test split; {out}")


@click.command(short_help="Draw originals, reconstructions, samples and learning curves.")
@_run
@click.option("--out", type=click.Path(path_type=Path), help="Folder; RUN/figures or CHIP.figures by default.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of latents and samples.")
def figures(run: Path, out: Path | None, seed: int) -> None:
    """Draw the paper's Figures 2 to 4 and the learning curves of RUN, a run folder or a chip file, as PNG and SVG.

    Example: `hopbar figures runs/tdh`
    """
    from hvae.reports.pictures import draw_run

    usual = run.with_name(f"{run.stem}.figures") if run.is_file() else run / "figures"
    for path in draw_run(run, out or usual, seed):
        click.echo(path)


@click.command(short_help="Generate images.")
@_run
@click.option("--n", "count", type=click.IntRange(1), default=100, show_default=True, help="How many.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A .png picture, or .npy for the numbers.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the latents.")
@click.option("--prior", type=click.Choice(PRIORS), help="Density of z; the run's by default (N(0, I)).")
def sample(run: Path, count: int, out: Path, seed: int, prior: str | None) -> None:
    """Generate images from the run's prior with RUN, a run folder or a chip file.

    Example: `hopbar sample runs/tdh --n 100 --out samples.png`
    """
    from hvae.learning import unsettled
    from hvae.reports.pictures import check_picture, write_images
    from hvae.runs import images, loading
    from hvae.scores import evaluation, sampling
    from hvae.streams import stream

    check_picture(out, count)
    sampling.refuse_too_many(count)
    tally = unsettled.Tally()
    trained = loading.load(run).counted(tally)
    settings = evaluation.settings_of(trained, prior)
    fitted = settings.prior != "standard"
    density = evaluation.density(trained, images.load(trained.config.data), settings, seed) if fitted else None
    generated = sampling.generate(trained.learner, trained.parameters, count, stream(seed, "sampling"), density)
    _refuse_or_warn(tally.unsettled, trained)
    title = f"{trained.config.model.name}: generated from z ~ {evaluation.source(settings.prior)}"
    click.echo(write_images(generated, trained.config.data.shape, out, title))


@click.command("show-config", short_help="Print the resolved configuration of a model.")
@click.argument("model", metavar="MODEL")
@click.option("--config", "files", multiple=True, type=click.Path(path_type=Path), help="TOML file of changes.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One change, such as model.latent=16.")
@_json
def show_config(model: str, files: tuple[Path, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """Print what MODEL would be trained with, every key resolved, as TOML that `--config` takes.

    Example: `hopbar show-config tdh-vae --set training.epochs=20`
    """
    from dataclasses import asdict

    from hvae.config import toml_file

    config = toml_file.resolve(model, files, overrides)
    click.echo(json.dumps(asdict(config)) if as_json else toml_file.dump(config), nl=as_json)
