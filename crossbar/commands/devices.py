"""The commands `hopbar devices ...`: list, show and pulse the models of memristors; `fit` has a module of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from crossbar.commands.fit import fit
from crossbar.commands.series import series

if TYPE_CHECKING:
    from crossbar.devices.law import PulsedLaw
    from crossbar.devices.presets import Preset


@click.group(invoke_without_command=True, short_help="List, draw, fit and pulse the models of memristors.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.pass_context
def devices(context: click.Context, as_json: bool) -> None:
    """List the device presets with their units and sources, or look at one.

    Example: `hopbar devices`, `hopbar devices show epiram --out epiram.png`
    """
    if context.invoked_subcommand is not None:
        return
    from crossbar.devices import presets

    found = [presets.load(name) for name in presets.names()]
    if as_json:
        click.echo(json.dumps({"devices": {preset.name: described(preset) for preset in found}}))
    else:
        print_presets(found)


devices.add_command(fit)
devices.add_command(series)


@devices.command(short_help="Draw a device's potentiation and depression with their spread.")
@click.argument("name")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="PNG, PDF or SVG file for the curves.")
@click.option("--pulses", type=click.IntRange(1, 20_000), help="Pulses up, then down; by default what fills the range.")
@click.option("--count", type=click.IntRange(2, 100_000), default=500, show_default=True, help="Devices.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the devices and their noise."
)
@click.option("--trial", "tried", is_flag=True, help="Program a small array of it, and teach another a linear map.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def show(
    name: str, out: Path | None, pulses: int | None, count: int, seed: int, tried: bool, as_json: bool
) -> None:  # fmt: skip
    """Show NAME, a preset or a TOML file: every number with unit and source, and its curves in siemens.

    Example: `hopbar devices show epiram --out epiram.png --trial`
    """
    import numpy as np

    from crossbar.devices import presets
    from crossbar.devices.characterisation import pulse_statistics

    preset = presets.load(name)
    n = pulses or full_range_pulses(preset.law)
    rng = np.random.default_rng(seed)
    curves = pulse_statistics(preset.law, n_up=n, n_down=n, count=count, rng=rng, begin=preset.law.w_min)
    if out is not None:
        from crossbar.devices.figures import draw

        draw(preset, curves, n, out)
    trial = None
    if tried:
        from crossbar.programming.trial import run

        trial = run(preset, np.random.default_rng(seed))
    if as_json:
        facts = {**described(preset), "pulses": n, "count": count, "seed": seed, "out": out and str(out)}
        click.echo(json.dumps(facts if trial is None else {**facts, "in_use": trial.figures()}))
    else:
        print_preset(preset, curves, n)
        if trial is not None:
            click.echo(trial.told())
        if out is not None:
            from crossbar import console

            console.stderr().print(f"curves of {count} devices in {out}")


@devices.command(short_help="Give many devices the same pulses and print what becomes of them.")
@click.argument("name", required=False)
@click.option("--law", "law_name", help="A bare law instead of a preset; device-to-device spreads are zero unless set.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the law; may be repeated.")
@click.option("--up", type=int, default=400, show_default=True, help="Up-pulses, given first.")
@click.option("--down", type=int, default=400, show_default=True, help="Down-pulses, given after.")
@click.option("--count", type=int, default=4096, show_default=True, help="Devices.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the devices and their noise."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def pulse(
    name: str | None, law_name: str | None, settings: tuple[str, ...], up: int, down: int, count: int, seed: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Give devices `up` up-pulses, then `down` down-pulses from weight 0, and tell what a read sees after each.

    Weights are in weight units; `--set` also overrides parameters of a preset.

    Example: `hopbar devices pulse --law soft-bounds --set dw_min=0.002 --up 400 --down 400 --json`
    """
    import numpy as np

    from crossbar.devices.characterisation import pulse_statistics

    law = chosen_law(name, law_name, settings)
    curves = pulse_statistics(law, n_up=up, n_down=down, count=count, rng=np.random.default_rng(seed))
    lists = {key: getattr(curves, key).tolist() for key in ("mean", "std", "p5", "p95")}
    if as_json:
        facts = {"law": law.name, "parameters": parameters(law), "unit": "weight", "up": up, "down": down}
        click.echo(json.dumps({"device": name, **facts, "count": count, "seed": seed, **lists}))
    else:
        print_pulses(lists, up)


def chosen_law(name: str | None, law_name: str | None, settings: tuple[str, ...]) -> PulsedLaw:
    """Return the law that the arguments of `pulse` name."""
    from crossbar.devices import law as laws
    from crossbar.devices import presets
    from crossbar.errors import InvalidValue

    if (name is None) == (law_name is None):
        raise InvalidValue("give either the NAME of a preset or `--law LAW`, for example `--law soft-bounds`")
    given = dict(setting(text) for text in settings)
    if law_name is not None:
        return laws.law(law_name, **given)
    preset = presets.load(str(name))
    told = {key: quantity.value for key, quantity in preset.quantities.get("parameters", {}).items()}
    return laws.law(preset.law.name, **{**told, **given})


def setting(text: str) -> tuple[str, Any]:
    """Return the name and the value of `KEY=VALUE`: number, true or false, list a,b,c (rows apart by ;) or name."""
    from crossbar.errors import InvalidValue

    key, equals, value = (part.strip() for part in text.partition("="))
    if not (key and equals and value):
        raise InvalidValue(f"`--set` takes KEY=VALUE, for example dw_min=0.002, but got {text!r}")
    if ";" in value:
        return key, [setting(f"row={row},")[1] for row in value.split(";")]
    if "," in value:
        return key, [scalar(item) for item in value.strip("[]").split(",") if item.strip()]
    return key, scalar(value)


def scalar(text: str) -> Any:
    """Return `text` as true, false or a number where it reads as one."""
    words = {"true": True, "false": False}
    if text.strip().lower() in words:
        return words[text.strip().lower()]
    try:
        return float(text)
    except ValueError:
        return text.strip()


def full_range_pulses(law: PulsedLaw) -> int:
    """Return how many of the smaller of its steps `dw_min` and `granularity` cross the range, at most 5000."""
    return min(max(round((law.w_max - law.w_min) / min(law.dw_min, law.granularity)), 1), 5000)


def parameters(law: PulsedLaw) -> dict[str, Any]:
    """Return the parameters of a law by name."""
    from crossbar.devices.law import parameter_names

    return {name: getattr(law, name) for name in parameter_names(law.name)}


def described(preset: Preset) -> dict[str, Any]:
    """Return a preset as JSON takes it: every number with its unit and source."""
    entries = {
        section: {
            key: {"value": entry.value, "unit": entry.unit, "source": entry.source, "assumed": entry.assumed}
            for key, entry in section_entries.items()
        }
        for section, section_entries in preset.quantities.items()
    }
    conversion = {
        "siemens_per_weight": preset.siemens_per_weight, "dw_min": preset.law.dw_min,
        "step": preset.law.granularity, "realised": realised(preset.law),
    }  # fmt: skip
    facts = {"name": preset.name, "title": preset.title, "law": preset.law.name, "sources": dict(preset.sources)}
    return {**facts, **conversion, **entries}


def realised(law: PulsedLaw) -> dict[str, dict[str, float]]:
    """Return which share of an asked change pulses make, up and down, at the law's zero and in mid-range."""
    places = {"zero": law.zero_place, "mid-range": 0.5}
    return {name: dict(zip(("up", "down"), law.realised(place), strict=True)) for name, place in places.items()}


def print_presets(found: list[Preset]) -> None:
    """Print one line a preset."""
    from rich.table import Table

    from crossbar import console

    columns = ("device", "law", "dw_min [weight]", "g_min [S]", "g_max [S]", "up [V, s]", "down [V, s]", "source")
    table = Table(
        *columns, title="Devices; * assumed, not in the source (`hopbar devices show NAME` tells every number)"
    )
    for preset in found:
        source = preset.sources.get("paper") or next(iter(preset.sources.values()), "the user's own")
        cells = [marked(preset, "conductance", key) for key in ("g_min", "g_max")]
        pulses = [", ".join(marked(preset, "pulse", f"{key}_{side}") for key in "vt") for side in ("up", "down")]
        table.add_row(preset.name, preset.law.name, f"{preset.law.dw_min:.4g}", *cells, *pulses, source)
    console.stdout().print(table)


def marked(preset: Preset, section: str, key: str) -> str:
    """Return a number of a preset, with a star where it is assumed."""
    entry = preset.quantities.get(section, {}).get(key)
    return "-" if entry is None else f"{entry.value:.4g}{'*' if entry.assumed else ''}"


def print_preset(preset: Preset, curves: Any, n: int) -> None:
    """Print every number of a preset and where its curves lead."""
    from rich.table import Table

    from crossbar import console

    table = Table(
        "quantity", "value", "unit", "source", title=f"{preset.title} ({preset.name}): the law {preset.law.name!r}"
    )
    for entries in preset.quantities.values():
        for key, entry in entries.items():
            table.add_row(key, str(entry.value), entry.unit, entry.source)
    printed = console.stdout()
    printed.print(table)
    for text in preset.sources.values():
        printed.print(f"source: {text}", soft_wrap=True, highlight=False)
    printed.print(f"a rate counts pulses by the mean step at zero, {preset.law.granularity:.4g} weight units; it makes")
    for where, shares in realised(preset.law).items():
        printed.print(f"  at {where}: {shares['up']:.3f} of a change asked up, {shares['down']:.3f} of one asked down")
    for what, k in (("up", n - 1), ("up and down", 2 * n - 1)):
        mean, low, high = (float(preset.siemens(getattr(curves, key)[k])) for key in ("mean", "p5", "p95"))
        printed.print(f"after {n} pulses {what} from g_min: {mean:.4g} S, 5 to 95 %: {low:.4g} to {high:.4g} S")


def print_pulses(lists: dict[str, list[float]], up: int) -> None:
    """Print some twenty of the pulses."""
    from rich.table import Table

    from crossbar import console

    total = len(lists["mean"])
    table = Table("pulse", "direction", *lists, title="Weight after each pulse, weight units")
    for k in range(0, total, max(total // 20, 1)):
        values = [f"{lists[key][k]:.5g}" for key in lists]
        table.add_row(str(k + 1), "up" if k < up else "down", *values)
    console.stdout().print(table)
