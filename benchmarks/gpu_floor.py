"""What a device can do, product by product and pass by pass, and what a training step needs of it at least."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from hvae.tensors.graphs import Repeated
from hvae.tensors.passes import GENTLE_STEPS, walking
from hvae.tensors.plain import Plain
from hvae.tensors.propagation import Propagation
from hvae.tensors.rows import Rows


def clock(work: Callable[[], object], device: torch.device, repeats: int = 20, *, graph: bool = False) -> float:
    """Return the mean seconds of `work`, done `repeats` times in a row, or a CUDA `graph` of them, after three more."""

    def often() -> None:
        for _ in range(repeats):
            work()

    for _ in range(3):
        work()
    again = Repeated(often, captured=graph and device.type == "cuda")
    for _ in range(2):  # as it stands, and recorded
        again()
    wait(device)
    started = time.perf_counter()
    again()
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


def pieces(propagation: Propagation, variants: dict[str, Any], *, graph: bool) -> list[dict]:
    """Return the seconds of a sweep's product and of its passes, by role and rows; of whole batches by all variants."""
    found = []
    for side in (propagation.encoding, propagation.decoding):
        solver, device = side.free, propagation.place.device
        for rows in (solver._rows, *solver._cold._levels.values()):
            at = walking(rows, solver.rules)
            multiply = partial(side.weights.product, at.direction, at.product)
            product = clock(multiply, device, graph=graph)
            whole = rows.size == propagation.batch
            chosen = {"own": propagation.place.passes} | (variants if whole else {})
            seconds = {name: _passes(passes, solver, rows, device, graph=graph) for name, passes in chosen.items()}
            found.append({
                "network": side.network, "clamped": side.weights.role.clamped[0], "width": rows.width,
                "rows": rows.size, "replicas": rows.matrices.shape[1], "seconds": {"product": product, **seconds},
            })  # fmt: skip
    return found


def _passes(passes: Any, solver: Any, rows: Rows, device: torch.device, *, graph: bool) -> float:
    """Time one descent of all `rows`, near rest; they are put back as they were."""
    keep = rows.counts.clone(), rows.matrices.clone(), rows.vectors.clone()

    def descend() -> None:
        rows.moving.fill_(1)
        rows.sweeps.fill_(GENTLE_STEPS)
        passes.descend(rows, solver.rules, cold=True)

    seconds = clock(descend, device, graph=graph and not isinstance(passes, Plain))
    for mine, theirs in zip((rows.counts, rows.matrices, rows.vectors), keep, strict=True):
        mine.copy_(theirs)
    return seconds


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
