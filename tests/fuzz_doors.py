"""Doors that files and arguments come through, each with what may come: the rule is one line of refusal, or a result.

`DOORS` maps a name to a `Door`. A case is drawn by hypothesis; `Door.attempt` opens the door with it and returns
"accepted" or "refused", and fails on any other error, on a message of several lines, and on what the schema forbids.
"""

from __future__ import annotations

import io
import math
import types
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import h5py
import numpy as np
from click import ClickException
from click.testing import CliRunner
from hypothesis import strategies as st

from circuits.simulators import waveforms
from crossbar.chip import Chip, load_chip
from crossbar.commands import hopbar as cli
from crossbar.devices import measured, presets
from crossbar.errors import HopbarError
from crossbar.hopfield.network import Network
from hvae.config import toml_file
from hvae.config.run import RunConfig, table_3
from hvae.reproduction import rows
from hvae.runs import loading
from hvae.runs.records import RunFolder
from hvae.studies import grid
from hvae.sweeps import space
from hvae.training import loop

ROOT = Path(__file__).parents[1]
TINY = [
    "data.image_size=7", "data.train_limit=16", "training.batch_size=8", "training.epochs=1", "model.hidden=3",
    "model.latent=2", "training.validation_samples=0",
]  # fmt: skip


@dataclass(frozen=True)
class Door:
    """A place where something comes in: what may come, and how it is tried in an empty folder."""

    cases: st.SearchStrategy
    open: Callable[[Any, Path], None]

    def attempt(self, case: Any, folder: Path) -> str:
        """Open the door with `case`; return whether it was accepted or refused."""
        try:
            self.open(case, folder)
        except HopbarError as error:
            said = str(error)
        else:
            return "accepted"
        assert len(said.strip().splitlines()) == 1, f"not one line: {said!r}"
        return "refused"


def numbers() -> st.SearchStrategy:
    extreme = st.sampled_from([0, -1, 1, 2**31, 2**63, 10**30, 0.0, -0.0, 1e-320, 1e308, -1e308, math.inf, -math.inf])
    return st.one_of(extreme, st.just(math.nan), st.integers(-5, 300), st.floats(-10, 10), st.floats())


def values() -> st.SearchStrategy:
    words = st.sampled_from(
        ["true", "false", "ideal", "adam", "sgd", "muon", "mnist", "mnist-5k", "epiram", "euler", "tdh-vae"]
    )
    odd = st.sampled_from(
        ["", "1979-05-27", "[1, 2]", "{a = 1}", '"12"', "3\nevil = 4", "[" * 3000, "9" * 5000, "\x00"]
    )
    return st.one_of(numbers().map(repr), words, odd, st.text(max_size=8))


KEYS = [
    f"{table.name}.{key.name}"
    for table in fields(RunConfig)
    for key in fields(get_type_hints(RunConfig)[table.name])
]  # fmt: skip


def near(key: str) -> st.SearchStrategy:
    """Return values that `key` may well have: its own of Table 3, of every choice, and numbers about it."""
    table, _, name = key.partition(".")
    hint = get_type_hints(get_type_hints(RunConfig)[table])[name]
    own = getattr(getattr(table_3("tdh-vae"), table), name)
    choices = [repr(one).replace("'", '"') for part in (hint, *get_args(hint)) for one in get_args(part)
               if isinstance(one, str | int)]  # fmt: skip
    about = [str(own * factor) for factor in (0.5, 1, 2)] if isinstance(own, int | float) else []
    return st.sampled_from([*choices, *about, "1", "2", "0.5", "8"])


def mutated(content: bytes) -> st.SearchStrategy:
    """Return `content` with up to six bytes, spans or tokens changed, and perhaps cut."""
    place = st.integers(0, max(len(content) - 1, 0))
    tokens = [b"0", b"-1", b"nan", b"1e999", b"true", b'"x"', b"[", b"]", b"{", b"=", b"\n", b"\0", b"\xff", b"#", b","]
    edit = st.tuples(place, st.integers(0, 12), st.one_of(st.sampled_from(tokens), st.binary(max_size=6)))

    def apply(drawn: tuple[list, int | None]) -> bytes:
        found = content
        for start, length, new in drawn[0]:
            found = found[:start] + new + found[start + length :]
        return found if drawn[1] is None else found[: drawn[1]]

    return st.tuples(st.lists(edit, max_size=6), st.one_of(st.none(), st.none(), place)).map(apply)


def flipped(content: bytes, most: int = 8) -> st.SearchStrategy:
    """Return `content` with a few bytes replaced in place: structures keep their lengths."""
    change = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))

    def apply(changes: list[tuple[int, int]]) -> bytes:
        found = bytearray(content)
        for place, byte in changes:
            found[place] = byte
        return bytes(found)

    return st.lists(change, min_size=1, max_size=most).map(apply)


def check_types(config: Any) -> None:
    """Fail where a field of a configuration does not hold what its annotation says, to the letter."""
    hints = get_type_hints(type(config))
    for one in fields(config):
        value = getattr(config, one.name)
        assert _fits(value, hints[one.name]), f"{type(config).__name__}.{one.name} accepted {value!r}"
        if is_dataclass(value):
            check_types(value)


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return any(value == allowed and type(value) is type(allowed) for allowed in get_args(hint))
    if get_origin(hint) in {Union, types.UnionType}:
        return any(_fits(value, part) for part in get_args(hint))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is (type(None) if hint is None else hint)


def open_overrides(case: tuple[str, list[tuple[str, str]]], folder: Path) -> None:
    model, changes = case
    config = toml_file.resolve(model, [], [f"{key}={value}" for key, value in changes])
    check_types(config)
    assert toml_file.loads(toml_file.dump(config), "a dump") == config


def open_toml(case: tuple[str, bytes], folder: Path) -> None:
    kind, content = case
    path = folder / "file.toml"
    path.write_bytes(content)
    if kind == "config":
        check_types(toml_file.resolve("tdh-vae", [path]))
    elif kind == "sweep":
        space.load(path)
    elif kind == "study":
        grid.load(path).cells()
    elif kind == "rows":
        rows.read_rows(path)
    else:
        presets.load(str(path))


TINY_STUDY = b'''title = "small"
models = ["tdh-vae"]
seeds = [0, 1]
images = 20
[base]
"data.image_size" = 7
"training.epochs" = 1
[chip]
"array.device" = "soft-bounds"
[curves]
"array.dw_min" = [0.002, 0.02]
[[variants]]
name = "ECRAM"
"array.device" = "ecram"
'''


@cache
def examples() -> dict[str, list[bytes]]:
    """Return valid files by what they are."""
    found = {"config": [toml_file.dump(table_3("tdh-vae")).encode()]}
    for kind, pattern in {"sweep": "sweep-*.toml", "study": "study-*.toml"}.items():
        found[kind] = [path.read_bytes() for path in sorted((ROOT / "examples").glob(pattern))]
    found["study"] = [TINY_STUDY]  # those of examples/ have hundreds of cells
    found["rows"] = [(ROOT / "examples" / "variants.toml").read_bytes()]
    found["device"] = [path.read_bytes() for path in sorted((ROOT / "data" / "devices").glob("*.toml"))[:6]]
    return found


def toml_cases() -> st.SearchStrategy:
    each = [st.tuples(st.just(kind), mutated(content)) for kind, contents in examples().items() for content in contents]
    return st.one_of(each)


def open_csv(content: bytes, folder: Path) -> None:
    path = folder / "curve.csv"
    path.write_bytes(content)
    found = measured.read(path)
    assert np.isfinite(found.conductance).all()
    assert (found.conductance >= 0).all()
    assert found.up.shape == (len(found.conductance) - 1,)


CSV = "pulse,conductance,direction\n" + "".join(f"{k},{1e-6 * (1 + min(k, 12 - k)):g},{'up' if k < 7 else 'down'}\n"
                                                for k in range(12))  # fmt: skip


@cache
def chip_image() -> bytes:
    """Return the file of a small chip."""
    network = Network((("pixels", 49), ("hidden", 3), ("latent", 2)), "dense")
    weights = np.random.default_rng(0).normal(size=(54, 54)) * network.mask()
    config = toml_file.dump(toml_file.resolve("tdh-vae", [], TINY))
    chip = Chip(model="tdh-vae", networks={"tied": network}, weights={"tied": (weights + weights.T) / 2}, sigma=0.4,
                image_shape=(7, 7), examples=np.zeros((2, 49), np.float32), provenance={"config": config})  # fmt: skip
    return _in_memory(chip)


def _in_memory(chip: Chip) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return chip.save(Path(folder) / "chip.h5").read_bytes()


def odd_hdf5() -> st.SearchStrategy:
    """Return what may stand in the place of an attribute or a data set."""
    arrays = st.sampled_from([(), (0,), (2,), (54, 54), (49, 3), (3, 5), (2, 49), (1, 1, 1)])
    array = st.tuples(arrays, st.sampled_from(["f4", "f8", "i8", "u1", "b1", "c8", "S3"]), st.floats(-2, 2))
    made = array.map(lambda drawn: np.full(drawn[0], drawn[2]).astype(drawn[1]))
    return st.one_of(
        made, st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), numbers()
    )


def edited(image: bytes, names: list[str], attributes: list[str]) -> st.SearchStrategy:
    """Return the HDF5 file `image` with a data set or attribute replaced or removed."""
    change = st.tuples(
        st.sampled_from(["set", "delete", "attribute", "no attribute"]), st.sampled_from(names),
        st.sampled_from(attributes), odd_hdf5(),
    )  # fmt: skip

    def apply(changes: list[tuple]) -> bytes:
        buffer = io.BytesIO(image)
        with h5py.File(buffer, "r+") as file:
            for kind, name, attribute, value in changes:
                holder = file[name] if "network" in name and name in file and "weights" not in name else file
                try:
                    if kind == "attribute":
                        holder.attrs[attribute] = value
                    elif kind == "no attribute" and attribute in holder.attrs:
                        del holder.attrs[attribute]
                    elif name in file:
                        del file[name]
                        if kind == "set":
                            file[name] = value
                except (TypeError, OverflowError, ValueError, OSError):
                    continue  # nothing that HDF5 can hold
        return buffer.getvalue()

    return st.lists(change, min_size=1, max_size=3).map(apply)


def open_chip(image: bytes, folder: Path) -> None:
    path = folder / "chip.h5"
    path.write_bytes(image)
    chip = load_chip(path)
    assert all(np.isfinite(weights).all() for weights in chip.weights.values())
    loading.from_chip(chip)


def chip_cases() -> st.SearchStrategy:
    names = ["examples", "networks/tied/weights", "networks/tied", "networks"]
    attributes = ["schema", "model", "gain", "sigma", "image_shape", "provenance", "topology", "blocks"]
    return st.one_of(flipped(chip_image()), edited(chip_image(), names, attributes), mutated(chip_image()))


@cache
def run_files() -> dict[str, bytes]:
    """Return the files of a small trained run."""
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        folder = RunFolder.create(Path(made) / "run", toml_file.resolve("f-vae", [], TINY))
        loop.train(folder)
        return {path.name: path.read_bytes() for path in folder.path.iterdir()}


def open_run(case: tuple[str, bytes], folder: Path) -> None:
    for name, content in (run_files() | {case[0]: case[1]}).items():
        (folder / name).write_bytes(content)
    run = RunFolder(folder)
    run.environment()
    trained = loading.load(folder)
    assert all(np.isfinite(weights).all() for weights in trained.parameters.values())
    check_types(trained.config)
    run.logged("timing")


def run_cases() -> st.SearchStrategy:
    files = run_files()
    names = ["parameters", "optimizer", "parameters/decoder_hidden", "optimizer/count", "optimizer/mean"]
    checkpoint = files["checkpoint.h5"]
    images = st.one_of(
        flipped(checkpoint),
        edited(checkpoint, names, ["schema", "step", "metrics_bytes", "config"]),
        mutated(checkpoint),
    )
    texts = [
        st.tuples(st.just(name), mutated(files[name]))
        for name in ("metrics.jsonl", "timing.jsonl", "environment.json", "config.toml")
    ]
    return st.one_of(st.tuples(st.just("checkpoint.h5"), images), *texts)


def open_raw(content: bytes, folder: Path) -> None:
    path = folder / "out.raw"
    path.write_bytes(content)
    found = waveforms.read_raw(path)
    assert found.values.shape == (len(found.time), len(found.names))


RAW = (
    b"Title: x\nDate: now\nPlotname: Transient Analysis\nFlags: real\nNo. Variables: 3\nNo. Points: 4\nVariables:\n"
    b"\t0\ttime\ttime\n\t1\tv(s_a)\tvoltage\n\t2\tv(s_b)\tvoltage\nBinary:\n" + np.arange(12.0).tobytes()
)


def open_command(arguments: list[str], folder: Path) -> None:
    (folder / "full").mkdir()
    (folder / "full" / "something").write_text("mine")
    placed = [one.replace("FOLDER", str(folder)) for one in arguments]
    done = CliRunner().invoke(cli.hopbar, placed, catch_exceptions=True)
    if isinstance(done.exception, HopbarError):
        raise done.exception
    if done.exception is not None and not isinstance(done.exception, SystemExit | OSError | ClickException):
        raise done.exception
    assert (folder / "full" / "something").read_text() == "mine"


STEPS = {
    "train": ["tdh-vae", "--out", "FOLDER/full"],  # a folder of something else: never trained
    "evaluate": ["FOLDER/nowhere"],
    "figures": ["FOLDER/nowhere"],
    "sample": ["FOLDER/nowhere", "--out", "FOLDER/x.png"],
    "report": ["FOLDER/nowhere"],
    "show-config": ["tdh-vae"],
    "reproduce": ["--join", "FOLDER/nowhere.json", "--out", "FOLDER/x"],  # refused before any training
    "sweep": ["FOLDER/nowhere.toml", "--out", "FOLDER/x"],
    "program": ["FOLDER/nowhere", "--device", "ideal", "--out", "FOLDER/x.h5"],
    "wires": ["FOLDER/nowhere"],
    "study": ["FOLDER/nowhere.toml", "--out", "FOLDER/x"],
    "gradient-quality": ["FOLDER/nowhere"],
    "netlist": ["FOLDER/nowhere", "--out", "FOLDER/x.cir"],
    "verify": ["FOLDER/nowhere"],
}
"""Commands with what they need: names of nothing, so that none begins to work."""


@cache
def options(command: str) -> list[str]:
    """Return the names of all options of `command`."""
    found = cli.hopbar.get_command(None, command)
    taken = {one for one in STEPS[command] if one.startswith("--")}
    return [name for one in found.params for name in one.opts if name.startswith("--") and name not in taken]


def command_cases() -> st.SearchStrategy:
    def of(command: str) -> st.SearchStrategy:
        values_ = st.one_of(
            values(), st.sampled_from(["FOLDER/nowhere", "FOLDER/full", "model.latent=3", "array.variation=9"])
        )
        given = st.tuples(st.sampled_from([*options(command), "--unknown"]), values_)
        pairs = st.lists(given, max_size=3).map(lambda found: [part for pair in found for part in pair])
        return pairs.map(lambda found: [command, *STEPS[command], *found])

    return st.one_of([of(command) for command in STEPS])


def doors() -> dict[str, Door]:
    """Return all doors by name."""
    plausible = st.sampled_from(KEYS).flatmap(lambda key: st.tuples(st.just(key), near(key)))
    change = st.one_of(
        plausible,
        plausible,
        plausible,
        st.tuples(st.sampled_from(KEYS), values()),
        st.tuples(st.text(max_size=6), values()),
    )
    models = st.sampled_from(["f-vae", "h-vae", "dh-vae", "tdh-vae", "tdh-vea"])
    return {
        "overrides": Door(st.tuples(models, st.lists(change, max_size=3)), open_overrides),
        "toml": Door(toml_cases(), open_toml),
        "curves": Door(mutated(CSV.encode()), open_csv),
        "chips": Door(chip_cases(), open_chip),
        "runs": Door(run_cases(), open_run),
        "waveforms": Door(mutated(RAW), open_raw),
        "commands": Door(command_cases(), open_command),
    }


SHARES = {
    "overrides": 0.3, "toml": 0.2, "curves": 0.1, "chips": 0.1, "runs": 0.1, "waveforms": 0.1, "commands": 0.1,
}  # fmt: skip
"""Which part of all cases goes to which door."""
