"""Named arrays in the files of other programs: npz, npy, CSV, safetensors, a torch state dict. Nothing is unpickled."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crossbar import input_files
from crossbar.errors import CorruptFile, EngineError, InvalidValue, MissingFile
from crossbar.output_files import write_atomically

LARGEST = 8 * 2**30  # bytes of arrays, unpacked, that are read at most
FACTS = "hopbar"  # the name under which a file keeps what belongs to its arrays
_TORCH = (".pt", ".pth", ".bin")
_AGAIN = "write it again, as npz of plain arrays"


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """What a file holds.

    Attributes
    ----------
    named : dict of str to ndarray
        Floating point numbers, float32 or float64.
    facts : dict
        What `hopbar export` wrote beside them; empty in files of others.
    """

    named: Mapping[str, np.ndarray]
    facts: Mapping[str, object] = field(default_factory=dict)


def read(path: Path) -> Arrays:
    """Return the arrays in the file at `path`, by its suffix.

    Raises
    ------
    MissingFile
        There is no file.
    CorruptFile
        It cannot be read as what its name says.
    InvalidValue
        Another suffix; arrays that are not real, finite numbers, or too large.
    EngineError
        A torch state dict without torch.
    """
    if not path.is_file():
        raise MissingFile(f"no file of weights at {path}: give .npz, .npy, .csv, .safetensors or a torch state dict")
    readers = {".npz": _npz, ".npy": _npy, ".csv": _csv, ".txt": _csv, ".safetensors": _safetensors}
    readers |= dict.fromkeys(_TORCH, _state_dict)
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InvalidValue(f"{path.name!r} must end in {', '.join(readers)}: convert it, for instance to npz")
    if path.stat().st_size > LARGEST:
        raise InvalidValue(f"{path} has {path.stat().st_size / 2**30:.0f} GiB, but at most {LARGEST >> 30} are read")
    found = reader(path)
    named = {name: _numbers(one, f"{path}: {name}") for name, one in found.named.items()}
    return Arrays(named=named, facts=found.facts)


def write(path: Path, arrays: Arrays) -> Path:
    """Write `arrays` to `path`, by its suffix, and return it; what is read again is the same to the last bit.

    Raises
    ------
    InvalidValue
        A suffix that is not written; several matrices in one CSV file.
    """
    writers = {".npz": _npz_bytes, ".safetensors": _safetensors_bytes, ".csv": _csv_bytes}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise InvalidValue(f"`--out` must end in {', '.join(writers)}, but got {path.name!r}")
    write_atomically(path, writer(arrays))
    return path


def _numbers(array: np.ndarray, place: str) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise InvalidValue(f"{place} must hold real numbers, but holds {array.dtype}")
    if not np.isfinite(array).all():
        raise InvalidValue(f"{place} must be finite, but {np.count_nonzero(~np.isfinite(array)):,} numbers are not")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _npz(path: Path) -> Arrays:
    with input_files.npz(path, LARGEST, _AGAIN) as file:
        named = {name: file[name] for name in file}
    facts = named.pop(FACTS, None)
    return Arrays(named=named, facts={} if facts is None else _facts(str(facts), path))


def _npy(path: Path) -> Arrays:
    return Arrays(named={"weights": input_files.npy(path, LARGEST, _AGAIN)})


def _csv(path: Path) -> Arrays:
    """Read numbers between commas, semicolons, tabs or blanks, under comments of #."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(f"# {FACTS} ")]
        rows = [line for line in lines if not line.lstrip().startswith("#")]
        mark = next((mark for mark in (";", "\t", ",") if rows and mark in rows[0]), None)
        if mark == ";":
            rows = [line.replace(",", ".") for line in rows]
        values = [np.array([part for part in line.split(mark) if part.strip()], np.float64) for line in rows]
        if not values or len({len(row) for row in values}) != 1:
            raise ValueError("its lines have different numbers of columns" if values else "it has no numbers")
        facts: dict[str, Any] = _facts(told[0].removeprefix(f"# {FACTS} "), path) if told else {}
        kinds = {"float32": np.float32, "float64": np.float64}
        kind = kinds.get(str(facts.get("dtype")), np.float64)
        named = {str(facts.get("name", "weights")): np.stack(values).astype(kind)}
        named |= {str(key): np.array(rest, kinds[kind]) for key, (kind, rest) in dict(facts.get("others", {})).items()}
    except (ValueError, TypeError, KeyError) as error:  # a UnicodeDecodeError is a ValueError
        raise _unlike(path, "table of numbers", error) from error
    return Arrays(named=named, facts=facts)


def _safetensors(path: Path) -> Arrays:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            named = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            facts = (file.metadata() or {}).get(FACTS)
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise _unlike(path, "safetensors file of float16, float32 or float64", error) from error
    return Arrays(named=named, facts={} if facts is None else _facts(facts, path))


def _state_dict(path: Path) -> Arrays:
    try:
        import torch
    except ImportError:
        raise EngineError(
            f"{path.name} needs torch to be read: pip install 'hopbar[torch]', or save it as npz or safetensors"
        ) from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)  # tensors alone: no code of the file is run
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError, AttributeError, OSError) as error:
        raise _unlike(path, "torch state dict of weights alone", error) from error
    found = found.get("state_dict", found) if isinstance(found, dict) else found
    if isinstance(found, torch.Tensor):
        found = {"weights": found}
    tensors = {str(name): one for name, one in found.items() if isinstance(one, torch.Tensor)} if found else {}
    if not tensors:
        raise InvalidValue(f"{path} holds no tensors: save module.state_dict()")
    return Arrays(named={name: _of_tensor(one) for name, one in tensors.items()})


def _of_tensor(tensor: Any) -> np.ndarray:
    """Return a tensor's numbers; bfloat16, which numpy has not, as float32, which holds all of them."""
    dense = tensor.detach().to_dense()
    found: np.ndarray = (dense.float() if str(dense.dtype) == "torch.bfloat16" else dense).numpy()
    return found


def _npz_bytes(arrays: Arrays) -> bytes:
    content = io.BytesIO()
    named: Any = {FACTS: np.array(json.dumps(arrays.facts)), **arrays.named}
    np.savez_compressed(content, **named)
    return content.getvalue()


def _safetensors_bytes(arrays: Arrays) -> bytes:
    from safetensors.numpy import save

    named = {name: np.ascontiguousarray(one) for name, one in arrays.named.items()}
    return save(named, metadata={FACTS: json.dumps(arrays.facts)})


def _csv_bytes(arrays: Arrays) -> bytes:
    networks = arrays.facts.get("networks", {})
    matrices = {name: one for name, one in arrays.named.items() if name in networks}  # type: ignore[operator]
    if len(matrices) != 1:
        raise InvalidValue(
            f"a CSV file holds one matrix, but there are {', '.join(matrices)}: let `--out` end in .npz or .safetensors"
        )
    ((name, matrix),) = matrices.items()
    others = {key: [str(one.dtype), one.tolist()] for key, one in arrays.named.items() if key != name}
    facts = {**arrays.facts, "name": name, "dtype": str(matrix.dtype), "others": others}
    content = io.StringIO()
    content.write(f"# {FACTS} {json.dumps(facts)}\n")
    np.savetxt(content, matrix, "%.9g" if matrix.dtype == np.float32 else "%.17g", ",")
    return content.getvalue().encode()


def _facts(text: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unlike(path, "file of `hopbar export`", error) from error
    if not isinstance(found, dict):
        raise CorruptFile(f"{path} is no file of `hopbar export`: what it says of its arrays is no JSON object")
    return found


def _unlike(path: Path, what: str, error: Exception) -> CorruptFile:
    return CorruptFile(f"{path} is no {what} ({' '.join(str(error).split())[:120]})")
