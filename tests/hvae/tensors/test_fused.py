"""Triton kernels against plain operations, row by row, by Triton's interpreter: no GPU is needed."""

import os
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the torch engine needs torch: pip install hopbar[torch]")
if "triton" not in sys.modules:  # it is told once and for all, when it is imported
    os.environ["TRITON_INTERPRET"] = "1"
pytest.importorskip("triton", reason="fused passes need Triton")
if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("Triton was imported before it could be told to interpret", allow_module_level=True)

from hvae.config.run import ModelConfig, NudgingConfig, RunConfig, SettlingConfig, TrainingConfig  # noqa: E402
from hvae.learning import learners  # noqa: E402
from hvae.tensors.fused import Fused  # noqa: E402
from hvae.tensors.neurons import Columns  # noqa: E402
from hvae.tensors.passes import Rules  # noqa: E402
from hvae.tensors.plain import Plain  # noqa: E402
from hvae.tensors.propagation import Place, Propagation  # noqa: E402
from hvae.tensors.rows import Pace, Rows  # noqa: E402

KINDS = {"sigmoid": [0] * 21, "mixed": [0] * 8 + [1] * 6 + [2] * 7}


def problem(rng, kinds, *, nudged, dtype, max_sweeps=40):
    """Rows at the start of a settling, their rules and weights."""
    kinds = np.array(kinds)
    n = len(kinds)
    gains = np.where(kinds == 1, 1.0, 2.5)
    columns = Columns.of(kinds, gains, torch.device("cpu"), dtype)
    rules = Rules.of(columns, tolerance=1e-6 if dtype == torch.float64 else 1e-3, max_sweeps=max_sweeps, nudged=nudged)
    weights = rng.normal(size=(2, n, n)) * 0.6 / np.sqrt(n)
    weights = weights + weights.swapaxes(1, 2)
    weights[:, kinds[:, None] + kinds == 2] *= kinds[:, None].repeat(n, 1)[kinds[:, None] + kinds == 2] != 1
    rows = Rows.empty((7 if nudged else 5, 3), (2, 3, n), torch.device("cpu"), dtype)
    weights = torch.as_tensor(weights).to(dtype)
    rows.matrices[0] = columns.rest
    rows.matrices[1] = torch.as_tensor(rng.normal(size=(2, 3, n))).to(dtype) + columns.rest @ weights[:, None]
    if nudged:
        rows.matrices[5] = 0.1 * torch.as_tensor(rng.normal(size=(2, 3, n))).to(dtype)
        rows.matrices[6] = 0.1  # without it nothing bounds a nudged classical neuron
    return rows, rules, weights


def copy(rows):
    return Rows(rows.matrices.clone(), rows.vectors.clone(), rows.counts.clone())


def assert_alike(found, wanted, limit):
    for one, other in ((found.matrices, wanted.matrices), (found.vectors, wanted.vectors)):
        torch.testing.assert_close(one, other, rtol=limit, atol=limit)
    assert torch.equal(found.counts, wanted.counts)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("cold", [True, False])
@pytest.mark.parametrize("nudged", [False, True])
@pytest.mark.parametrize("kinds", list(KINDS))
def test_each_sweep_is_that_of_plain_operations(rng, kinds, nudged, cold, dtype):
    """From the same rows on, sweep by sweep, until all have stopped; a stopped row is not touched."""
    limit = 1e-9 if dtype == torch.float64 else 2e-3
    rows, rules, weights = problem(rng, KINDS[kinds], nudged=nudged, dtype=dtype)
    other = copy(rows)
    Plain().begin(rows, rules, cold=cold)
    Fused().begin(other, rules, cold=cold)
    assert_alike(other, rows, limit)
    for _ in range(rules.max_sweeps):
        rows.matrices[3] = rows.matrices[2] @ weights
        other = copy(rows)
        Plain().descend(rows, rules, cold=cold)
        Fused().descend(other, rules, cold=cold)
        assert_alike(other, rows, limit)
    assert not rows.moving.any()
    assert (rows.vectors[2] < rules.constants[0]).all()
    assert rows.sweeps.min() > 2


def test_a_row_that_is_not_finite_stops(rng):
    rows, rules, _ = problem(rng, KINDS["mixed"], nudged=False, dtype=torch.float64)
    rows.matrices[1, 0, 0, 3] = float("nan")
    for passes in (Plain(), Fused()):
        one = copy(rows)
        passes.begin(one, rules, cold=True)
        assert one.moving[0, 0] == 0
        assert one.moving.sum() == 5
        assert one.vectors[2, 0, 0].isnan()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_each_step_of_a_response_is_that_of_plain_operations(rng, dtype):
    """One row among them meets negative curvature and stays as it is."""
    n, limit = 21, 1e-12 if dtype == torch.float64 else 1e-4
    rows = Rows.empty((7, 3), (2, 3, n), torch.device("cpu"), dtype)
    weights = torch.as_tensor(rng.normal(size=(2, n, n))).to(dtype) / n
    weights = weights + weights.mT
    slope, diagonal, _, _, remainder, direction, scaled = rows.matrices
    slope[:] = torch.as_tensor(rng.uniform(0.3, 0.7, (2, 3, n)))
    slope[1, 2] = 6.0
    diagonal[:] = torch.as_tensor(rng.uniform(1, 2, (2, 3, n)))
    remainder[:] = torch.as_tensor(rng.normal(size=(2, 3, n)))
    direction[:] = remainder / diagonal
    scaled[:] = slope * direction
    rows.vectors[:2] = (remainder * direction).sum(-1)
    rows.vectors[2] = 1
    rows.moving.fill_(1)
    for _ in range(25):
        rows.matrices[2] = rows.matrices[6] @ weights
        other = copy(rows)
        Plain().respond(rows, 1e-5, 25)
        Fused().respond(other, 1e-5, 25)
        assert_alike(other, rows, limit)
    assert rows.vectors[2, 1, 2] <= 0
    solved = rows.vectors[1] <= 1e-10 * rows.vectors[0]
    assert solved.sum() == 5


@pytest.mark.parametrize("method", ["linear-response", "centred"])
def test_whole_gradients_are_those_of_plain_operations(rng, method):
    """In padded columns, with blocks of other lengths, and arrays that shrink otherwise: nothing of it tells."""
    config = RunConfig(
        model=ModelConfig(name="tdh-vae", hidden=9, latent=2, sigma=0.5),
        nudging=NudgingConfig(method=method, tolerance=1e-4),
        settling=SettlingConfig(tolerance=1e-4),
        training=TrainingConfig(batch_size=4, precision="float64"),
    )
    weights = {"tied": torch.as_tensor(np.stack([learners.make(config, 16).init(rng, np.float64)["tied"]] * 2))}
    weights["tied"][1] *= 1.5
    images, noise = torch.as_tensor(rng.uniform(-1, 1, (2, 4, 16))), torch.as_tensor(rng.normal(size=(2, 4, 2)))
    paces = {"plain": Pace(check_every=1, smallest=1, shrink=2), "fused": Pace(3, 2, 2, round_to=16)}
    found = []
    for name, pace in paces.items():
        propagation = Propagation([config] * 2, Place.of("cpu", "float64", name, pace), n_pixels=16)
        found.append(propagation.gradients(weights, images, noise))
    torch.testing.assert_close(found[1][1]["tied"], found[0][1]["tied"], rtol=1e-9, atol=1e-11)
    assert float(found[0][1]["tied"].abs().max()) > 1e-3
    for metric, value in found[0][0].items():
        torch.testing.assert_close(found[1][0][metric], value, rtol=1e-9, atol=1e-11)
