"""The IDX file format of MNIST: a magic number, the dimensions, then raw unsigned bytes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile

UNSIGNED_BYTE = 0x08


def unpack(path: Path, most: int = 2**32) -> bytes:
    """Return the bytes of `path`, decompressed when its name ends in ``.gz``.

    Raises
    ------
    CorruptFile
        If the file is not gzip data, stops early, or holds more than `most` bytes.
    """
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as stream:
            unpacked = stream.read(most + 1)
        if len(unpacked) > most:
            raise CorruptFile(f"{path} unpacks to more than {most / 2**30:.1f} GiB")
        return unpacked
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptFile(f"{path} is truncated or not a gzip file ({error})") from error


def parse(content: bytes, name: str) -> np.ndarray:
    """Return the read-only uint8 array that IDX bytes hold.

    The header is two zero bytes, the type (0x08: unsigned byte), the number of dimensions, then each dimension as a
    big-endian 32-bit integer (http://yann.lecun.com/exdb/mnist).

    Parameters
    ----------
    content : bytes
        The unpacked file.
    name : str
        What to call it in an error.

    Raises
    ------
    CorruptFile
        If the header is foreign, or the number of bytes is not the product of the dimensions.
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]) or len(content) < 4 + 4 * content[3]:
        raise CorruptFile(f"{name} is not an IDX file of unsigned bytes")
    start = 4 + 4 * content[3]
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    expected = start + math.prod(shape)
    if len(content) != expected:
        raise CorruptFile(f"{name} holds {len(content)} bytes, but its header {shape} promises {expected}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
