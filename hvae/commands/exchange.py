"""The commands that bring weights in and take them out: ``hopbar import`` and ``hopbar export``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rich_click as click


@click.command("import", short_help="Make a chip of weights from elsewhere.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--blocks", metavar="NAME=N,...", help="Neurons, such as pixels=784,hidden=500,latent=20.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The chip file to write.")
@click.option("--model", default="tdh-vae", show_default=True, help="tdh-vae (one matrix), dh-vae or h-vae (two).")
@click.option("--arrays", help="Names of the matrices in the file, in their order, separated by commas.")
@click.option("--topology", type=click.Choice(["dense", "layered"]), help="Layered: matrices between neighbours do.")
@click.option("--neurons", metavar="BLOCK=LAW,...", help="Laws other than sigmoid, such as latent=linear.")
@click.option("--gain", default=3.0, show_default=True, help="Of rho(s) = sigmoid(gain s).")
@click.option("--sigma", default=0.3, show_default=True, help="Standard deviation of the tied model's latents.")
@click.option("--image-shape", metavar="ROWSxCOLUMNS", help="Such as 28x28, or 30x40x3 in colour; a square by default.")
@click.option("--dataset", metavar="NAME_OR_PATH", help="Images to score and try it on; without, a few of noise.")
@click.option("--unit", help="The arrays are conductances G+ and G- in S, mS, uS or nS.")
@click.option("--siemens-per-weight", type=float, help="With --unit: what stands for a weight of 1, in S.")
@click.option("--weight-limit", type=float, help="Largest weight that is kept.")
@click.option("--force", is_flag=True, help="Take what fits; and replace the chip file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def import_command(
    file: Path,
    blocks: str | None,
    out: Path,
    model: str,
    arrays: str | None,
    topology: str | None,
    neurons: str | None,
    gain: float,
    sigma: float,
    image_shape: str | None,
    dataset: str | None,
    unit: str | None,
    siemens_per_weight: float | None,
    weight_limit: float | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make the chip file --out of the weights in FILE: .npz, .npy, .csv, .safetensors or a torch state dict.

    Everything takes the chip then: evaluate (with --dataset), program, wires, netlist, verify, area. A matrix that is
    not symmetric, couples neurons with themselves or where these blocks do not couple is refused; --force takes what
    fits. What `hopbar export` wrote needs no other option.

    Example: `hopbar import weights.npz --blocks pixels=784,hidden=500,latent=20 --dataset mnist-5k --out chip.h5`
    """
    from crossbar.errors import ExistingFile, InvalidValue
    from crossbar.output_files import check_out
    from hvae.exchange import chips, files

    check_out(out)
    if out.exists() and not force:
        raise ExistingFile(f"{out} exists already; choose another --out, or --force to replace it")
    found = files.read(file)
    misfits: dict[str, Any] = {}
    if blocks is None and "networks" in found.facts:
        chip = chips.restored(found, str(file))
    elif blocks is None:
        raise InvalidValue(f"{file} does not say what its neurons are: give --blocks pixels=784,hidden=500,latent=20")
    else:
        wanted = chips.Wanted(
            blocks={name: _whole(name, text) for name, text in _pairs("--blocks", blocks).items()}, model=model,
            names=tuple(arrays.split(",")) if arrays else (), topology=topology, gain=gain, sigma=sigma,
            neurons=_pairs("--neurons", neurons) if neurons else None, image_shape=_shape(image_shape),
            dataset=dataset, unit=unit, siemens_per_weight=siemens_per_weight, limit=weight_limit, force=force,
        )  # fmt: skip
        chip, misfits = chips.imported(found, wanted, file.name)
    chip.save(out)
    facts = chips.facts_of(chip, misfits)
    click.echo(json.dumps({"chip": str(out), **facts}) if as_json else _told(facts, misfits, out))


@click.command("export", short_help="Write the weights of a run or chip for other programs.")
@click.argument("run", metavar="RUN_OR_CHIP", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A .npz, .safetensors or .csv."
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def export_command(run: Path, out: Path, force: bool) -> None:
    """Write all that the chip of RUN_OR_CHIP is to --out; `hopbar import` makes the same chip of it, to the last bit.

    Example: `hopbar export runs/tdh --out weights.safetensors`
    """
    from crossbar.chip import load_chip
    from crossbar.errors import ExistingFile
    from crossbar.output_files import check_out
    from hvae.exchange import chips, files

    check_out(out)
    if out.exists() and not force:
        raise ExistingFile(f"{out} exists already; choose another --out, or --force to replace it")
    click.echo(files.write(out, chips.exported(load_chip(run))))


def _pairs(option: str, text: str) -> dict[str, str]:
    from crossbar.errors import InvalidValue

    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and equals and value.strip() for name, equals, value in pairs):
        raise InvalidValue(f"`{option}` must be NAME=VALUE,NAME=VALUE, but got {text!r}")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _whole(name: str, text: str) -> int:
    from crossbar.errors import InvalidValue

    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise InvalidValue(f"`--blocks` must give {name} as a whole number, but got {text!r}")
    return int(text)


def _shape(text: str | None) -> tuple[int, ...] | None:
    from crossbar.errors import InvalidValue

    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) not in {2, 3} or not all(part.isascii() and part.isdigit() for part in parts):
        raise InvalidValue(f"`--image-shape` must be ROWSxCOLUMNS or ROWSxCOLUMNSx3, but got {text!r}")
    return tuple(map(int, parts))


def _told(facts: Mapping[str, Any], misfits: Mapping[str, Any], out: Path) -> str:
    lines = [f"{out}: {facts['model']}"]
    for name, one in facts["networks"].items():
        lines.append(f"  {name}: {one['neurons']} neurons, {one['topology']}")
        lines += [f"    left out: {sentence}" for sentence in (misfits[name].told() if name in misfits else [])]
    scored = facts["scored_on"]
    none = "no images to score it on: give --dataset for `hopbar evaluate`"
    lines.append(f"  scored on {scored}" if scored else f"  {none}")
    return "\n".join(lines)
