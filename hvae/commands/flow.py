"""The commands ``hopbar flow``: a network that relaxes from noise to an image, learned, drawn from and scored."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click

INTERRUPTED = 130

_run = click.argument("run", metavar="RUN_OR_CHIP", type=click.Path(path_type=Path))
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


@click.group("flow", short_help="Learn to generate by relaxing, without a VAE.")
def flow() -> None:
    """Learn to generate by relaxing: the slope of a Hopfield network's energy carries noise to an image.

    Example: `hopbar flow learn --dataset digits --out runs/flow`, then `hopbar flow draw runs/flow --out samples.png`
    """


@flow.command(short_help="Learn a flow, or continue a run.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run, new unless --resume.")
@click.option(
    "--dataset", metavar="NAME_OR_PATH",
    help="digits (the default), mnist-5k, mnist, fashion-mnist; or your images: a folder, .npz, .npy, HDF5 or IDX.",
)  # fmt: skip
@click.option("--steps", type=int, help="Steps of learning.")
@click.option("--hidden", type=int, help="Hidden neurons.")
@click.option(
    "--matching", type=click.Choice(("flow", "equilibrium")),
    help="flow (the default): a field of the time; equilibrium: one without time, the chip simply relaxes.",
)
@click.option("--seed", type=int, help="Seed of everything random in the run.")
@click.option("--config", "files", multiple=True, type=click.Path(path_type=Path), help="TOML file of changes.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One change, such as teaching.rate=0.003.")
@click.option("--array", metavar="PRESET", help="Learn by pulses on a crossbar of this device (see `hopbar devices`).")
@click.option("--resume", is_flag=True, help="Continue the run in --out from its checkpoint.")
@_json
def learn(
    out: Path, dataset: str | None, steps: int | None, hidden: int | None, matching: str | None, seed: int | None,
    files: tuple[Path, ...], overrides: tuple[str, ...], array: str | None, resume: bool, as_json: bool,
) -> None:  # fmt: skip
    """Learn a flow of images by flow or equilibrium matching, and equilibrium propagation.

    Ctrl-C stops at a checkpoint; `--resume` goes on as if nothing had happened, after `kill -9` too.

    Example: `hopbar flow learn --dataset digits --out runs/flow`
    """
    from crossbar.errors import InvalidValue
    from hvae.config import flow as flow_config
    from hvae.config import own_images
    from hvae.runs import images
    from hvae.runs.flows import FlowFolder
    from hvae.training import flows

    named = {"teaching.steps": steps, "teaching.hidden": hidden, "teaching.seed": seed, "array.device": array}
    named["teaching.matching"] = matching
    given = [f"{key}={value}" for key, value in named.items() if value is not None]
    given += [] if dataset is None else own_images.settings(dataset)
    data = None
    if resume:
        folder = FlowFolder.open(out)
        asked = flow_config.resolve((out / "flow.toml", *files), [*given, *overrides])
        changed = flow_config.differences(folder.config(), asked)
        if changed:
            raise InvalidValue(f"a resumed run keeps its configuration, but {'; '.join(changed[:3])}: leave that out")
    else:
        config = flow_config.resolve(files, [*given, *overrides])
        FlowFolder.refuse_what_exists(out)
        data = images.load(config.data)
        flows.begun(config, data)  # what would stop its first step is said before it has a folder
        folder = FlowFolder.create(out, config)
    finished, last = flows.watch(folder, data)
    if as_json:
        click.echo(json.dumps({"run": str(out), "finished": finished, **last}))
    if not finished:
        raise SystemExit(INTERRUPTED)


@flow.command(short_help="Draw images from noise.")
@_run
@click.option("--n", "count", type=click.IntRange(1), default=100, show_default=True, help="How many.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A .png or .svg picture, or .npy.")
@click.option(
    "--steps", type=click.IntRange(1),
    help="30 of Heun, two settlings each; without time two for each time constant of the pixels, one settling each.",
)  # fmt: skip
@click.option(
    "--temperature", type=float, default=0.0, show_default=True,
    help="Of noise on the way, which falls to 0 at the end: as many Langevin steps as there were settlings.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the noise.")
@_json
def draw(
    run: Path, count: int, out: Path, steps: int | None, temperature: float, seed: int, as_json: bool
) -> None:  # fmt: skip
    """Draw images with RUN_OR_CHIP, a run of `hopbar flow learn` or its chip, as its devices are if it is programmed.

    Example: `hopbar flow draw runs/flow --n 100 --out samples.png`
    """
    import numpy as np

    from hvae.flows import langevin
    from hvae.reports.pictures import check_picture, write_images
    from hvae.runs import flows
    from hvae.scores import sampling
    from hvae.streams import stream

    check_picture(out, count)
    sampling.refuse_too_many(count)
    found = flows.load(run)
    way = langevin.warmed(found.flow.matching, steps, temperature)
    made = np.clip(found.flow.sample(count, stream(seed, "sampling"), way), -1, 1)
    path = write_images(made, found.config.data.shape, out, f"a flow of {found.flow.devices:,} weights, from noise")
    told = {"images": str(path), "count": count, "steps": way.steps, "settlings": way.settlings, "seed": seed}
    click.echo(json.dumps(told) if as_json else path)


@flow.command(short_help="Score a flow beside what needs no learning.")
@_run
@click.option(
    "--n", "count", type=click.IntRange(100), default=2000, show_default=True, help="Images that each generator draws."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of noise and mixtures.")
@click.option(
    "--features", default="classifier", show_default=True, metavar="NAME_OR_FILE",
    help="classifier (ours, or principal components of your images), pca, or a file of `hopbar features`.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="JSON file of the scores.")
@_json
def score(run: Path, count: int, seed: int, features: str, out: Path | None, as_json: bool) -> None:
    """Score RUN_OR_CHIP on test images: its loss, and Frechet distances of what it draws.

    Beside it a Gaussian, ten of them on principal components, and up to 256 pixels ten of the pixels, fitted to the
    same training images: a flow that is worse than they are has learned little. Nearer is better; training images
    themselves are told last.

    Example: `hopbar flow score runs/flow --json`
    """
    from crossbar.output_files import check_out, write_json
    from hvae.runs import flows, images
    from hvae.scores import features as named_features
    from hvae.scores import generators, sampling
    from hvae.streams import stream

    if out is not None:
        check_out(out)
    sampling.refuse_too_many(count)
    learned = flows.load(run)
    data = images.load(learned.config.data)
    judge = named_features.of(data, named_features.named(features, data))
    found: dict[str, object] = {"features": judge.name, "images": count}
    margin = learned.config.teaching.margin
    found |= generators.score(learned.flow, data, judge, stream(seed, "sampling"), count, margin)
    if out is not None:
        write_json(out, found)
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name.replace('_', ' ')}: {f'{value:.4g}' if isinstance(value, float) else value}")
