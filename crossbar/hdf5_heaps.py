"""What libhdf5 would read for ever: heaps that lead nowhere, looked for in the bytes before HDF5 opens them.

HDF5 keeps texts in global heaps and, in files of its older kinds, the names in groups in local heaps. libhdf5 (still in
2.0.0; compare HDFGroup/hdf5, issue 1707) goes through both by the numbers in the file, without an end where these lead
back, and in C, where no interrupt reaches it. What h5py writes never does: heaps do not overlap, and what they list has
at least 16 bytes, so that no file lists more than a sixteenth of its bytes.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"
LEAST = 16  # bytes of anything that a heap lists
END = 1  # the next free block after the last of a local heap


def check(path: Path) -> None:
    """Raise `ValueError` unless `path` is an HDF5 file as h5py writes it, with heaps that have an end."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[:8] != SIGNATURE:  # nor a block of someone else's before it
            raise ValueError("it does not begin as an HDF5 file")
        sizes = content[13:15] if content[8] < 2 else content[9:11]  # by the version of the superblock
        if sizes != b"\x08\x08":
            raise ValueError("its addresses and lengths are not of 8 bytes")
        left = len(content) // LEAST
        for heap, _ in _listed(content):
            left -= 1
            if left < 0:
                raise ValueError(f"its heap at byte {heap} has no end")


def _listed(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Yield the heap and the place of whatever the heaps of `content` list, as libhdf5 goes through them."""
    for heap in _places(content, b"GCOL\x01"):
        yield from ((heap, place) for place in _objects(content, heap))
    for heap in _places(content, b"HEAP\0"):
        yield from ((heap, place) for place in _free_blocks(content, heap))


def _places(content: mmap.mmap, sign: bytes) -> Iterator[int]:
    place = content.find(sign)
    while place >= 0:
        yield place
        place = content.find(sign, place + 1)


def _objects(content: mmap.mmap, heap: int) -> Iterator[int]:
    """Yield the places of the objects of the global heap at `heap`, whose sizes lead on, modulo 2**64 as in C."""
    place, end = heap + 16, min(heap + _number(content, heap + 8), len(content))
    while place + 16 <= end:
        yield place
        size = _number(content, place + 8)
        place += (16 + (size + 7) // 8 * 8) % 2**64 if content[place : place + 2] != b"\0\0" else size


def _free_blocks(content: mmap.mmap, heap: int) -> Iterator[int]:
    """Yield the places of the free blocks of the local heap at `heap`: each holds where in the heap the next one is."""
    size, block, start = (_number(content, heap + place) for place in (8, 16, 24))
    while block != END and block < size and start + block + 8 <= len(content):
        yield start + block
        block = _number(content, start + block)


def _number(content: mmap.mmap, place: int) -> int:
    return int.from_bytes(content[place : place + 8], "little")
