"""The command line ``hopbar``: a table of commands, each loaded when it is called, and one way to report errors."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import rich_click as click

_COMMANDS = {
    "train": "hvae.commands.train:train",
    "evaluate": "hvae.commands.train:evaluate",
    "figures": "hvae.commands.train:figures",
    "sample": "hvae.commands.train:sample",
    "flow": "hvae.commands.flow:flow",
    "features": "hvae.commands.train:features_command",
    "report": "hvae.commands.report:report",
    "explore": "hvae.commands.report:explore",
    "track": "hvae.commands.report:track",
    "show-config": "hvae.commands.train:show_config",
    "reproduce": "hvae.commands.sweeps:reproduce",
    "sweep": "hvae.commands.sweeps:sweep",
    "import": "hvae.commands.exchange:import_command",
    "export": "hvae.commands.exchange:export_command",
    "devices": "crossbar.commands.devices:devices",
    "program": "crossbar.commands.program:program",
    "wires": "hvae.commands.wires:wires",
    "study": "hvae.commands.onchip:study",
    "gradient-quality": "hvae.commands.onchip:gradient_quality",
    "netlist": "circuits.commands.netlist:netlist",
    "verify": "circuits.commands.netlist:verify",
    "memristor": "circuits.commands.memristor:memristor",
    "area": "circuits.commands.area:area",
    "cells": "circuits.commands.cells:cells",
    "silicon": "circuits.commands.silicon:silicon",
    "doctor": "doctor",
}
"""Name of each command, and where it is: a module and what to take from it."""

_EXIT_ERROR = 2


class _Commands(click.RichGroup):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        return doctor if cmd_name == "doctor" else _load(_COMMANDS[cmd_name])


def _load(place: str) -> Any:
    """Return what stands at `place`, "module:name": commands are found by name, as this package is below all others."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hopbar", prog_name="hopbar")
def hopbar() -> None:
    """Hopfield networks on crossbars: analog chips that learn to generate.

    Train a Hopfield VAE by equilibrium propagation, score it, put it on memristors, write it as a SPICE netlist, and
    measure it in mm2.

    Example: `hopbar train tdh-vae --config examples/tdh-vae-5k.toml --out runs/demo`
    """


@click.command(short_help="Tell whether this machine has what Hopbar needs.")
@click.option("--tune", is_flag=True, help="Time BLAS kernels and threads; later commands use the fastest.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def doctor(tune: bool, as_json: bool) -> None:
    """Tell which Python, packages, threads, BLAS kernel, circuit simulators and data this machine has.

    `--tune` takes a minute in which the machine should have no other work. Runs of one seed agree byte for byte only
    where kernels and threads are the same: do not tune between a training and its `--resume`.

    Example: `hopbar doctor --tune`
    """
    import json

    if tune:
        found = _load("hvae.health:tune")(os.environ)
        if as_json:
            click.echo(json.dumps(found))
        return
    found = _load("hvae.health:examine")(_load("circuits.simulators:available")())
    if as_json:
        click.echo(json.dumps(found))
    else:
        _load("hvae.health:show")(found)


def main(args: list[str] | None = None) -> None:
    """Run the command line; exit with 0, with 2 on a user's error or the system's, with 130 after Ctrl-C."""
    if sys.platform == "win32":
        click.echo(
            "hopbar: Windows has not the locks that guard a run: use WSL (wsl --install), where it runs", err=True
        )
        sys.exit(_EXIT_ERROR)
    from crossbar import caches, neighbours, tuning
    from crossbar.errors import HopbarError

    mixed = neighbours.warning()
    if mixed:
        click.echo(f"hopbar: {mixed}", err=True)
        sys.exit(_EXIT_ERROR)

    caches.use_writable(os.environ)
    tuning.use(os.environ)
    try:
        code = hopbar.main(args, prog_name="hopbar", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except HopbarError as error:
        click.echo(f"hopbar: {error}", err=True)
        code = _EXIT_ERROR
    except OSError as error:  # a folder for a file, no right to read it, a full disk; broken pipes are click's
        place = f"{error.filename}: " if error.filename is not None else ""
        click.echo(f"hopbar: {place}{error.strerror or error}", err=True)
        code = _EXIT_ERROR
    except MemoryError as error:
        click.echo(f"hopbar: not enough memory ({error}): choose a smaller model, batch or --n", err=True)
        code = _EXIT_ERROR
    except (click.Abort, KeyboardInterrupt):
        click.echo("hopbar: interrupted", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
