"""What a device can do: rate of products, bandwidth, and the pieces of a sweep; and what a training step needs of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from hvae.tensors.passes import walking
from hvae.tensors.plain import Plain
from hvae.tensors.propagation import Propagation


def clock(work: Callable[[], object], device: torch.device, repeats: int = 20) -> float:
    """Return the mean seconds of `work`, launched `repeats` times in a row after three that are not counted."""
    for _ in range(3):
        work()
    wait(device)
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    wait(device)
    return (time.perf_counter() - started) / repeats


def wait(device: torch.device) -> None:
    """Let the device finish."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def rates(device: torch.device, *, quick: bool) -> dict[str, float]:
    """Return flop/s of a large float32 product without TF32, and bytes/s of a copy, read and written both counted."""
    n, count = (512, 1 << 20) if quick else (8192, 1 << 28)
    one, other, out = (torch.randn(n, n, device=device) for _ in range(3))
    product = clock(lambda: torch.mm(one, other, out=out), device, 5)
    source, target = torch.randn(count, device=device), torch.empty(count, device=device)
    copy = clock(lambda: target.copy_(source), device, 5)
    return {"flops_per_second": 2 * n**3 / product, "bytes_per_second": 8 * count / copy}


def pieces(propagation: Propagation, variants: dict[str, Any]) -> list[dict]:
    """Return the seconds of a sweep's product and of its passes, by role, rows and variant of the passes."""
    found = []
    for side in (propagation.encoding, propagation.decoding):
        solver, device = side.free, propagation.place.device
        for rows in (solver._rows, *solver._cold._levels.values()):  # noqa: SLF001
            at = walking(rows, solver.rules)
            row = {
                "network": side.network, "clamped": side.weights.role.clamped[0], "width": rows.width, "rows": rows.size,
                "replicas": rows.matrices.shape[1], "seconds": {},
            }  # fmt: skip
            row["seconds"]["product"] = clock(lambda at=at: side.weights.product(at.direction, at.product), device)
            keep = rows.counts.clone(), rows.matrices.clone(), rows.vectors.clone()
            for name, passes in variants.items():
                if isinstance(passes, Plain) and device.type == "cuda" and rows.size < propagation.batch:
                    continue

                def descend(passes=passes, rows=rows) -> None:
                    rows.counts[0].fill_(1)
                    rows.counts[1].zero_()
                    passes.descend(rows, solver.rules, cold=False)

                row["seconds"][name] = clock(descend, device)
                rows.counts.copy_(keep[0]), rows.matrices.copy_(keep[1]), rows.vectors.copy_(keep[2])
            found.append(row)
    return found


def needs(propagation: Propagation, metrics: dict[str, float]) -> dict[str, float]:
    """Return flops and bytes that one step of all replicas needs at least, at the mean sweeps of `metrics`.

    Flops: 2 n^2 a sweep and sample, and the contrasts' outer products. Bytes: W once a sweep of the batch, and the five
    matrices of states read and four written; the outer products' N^2 twice, as are weights and optimizer state.
    """
    replicas, batch, item = propagation.replicas, propagation.batch, propagation.place.dtype.itemsize
    flops = moved = 0.0
    for side, sweeps in (
        (propagation.encoding, metrics["encoder_sweeps"]), (propagation.decoding, metrics["decoder_sweeps"]),
    ):  # fmt: skip
        role = side.weights.role
        pairs = sum(
            (patch.sources.stop - patch.sources.start) * (patch.targets.stop - patch.targets.start)
            for patch in role.within
        )
        flops += 2 * batch * (sweeps * pairs + 2 * role.n_free * role.network.size)
        moved += item * (sweeps * (pairs + 9 * batch * role.n_free) + 8 * role.network.size**2)
    return {"flops": replicas * flops, "bytes": replicas * moved}
