"""The torch engine on a GPU: right, how fast, how far from the floor; and, with a plan, trainings to carry home.

    python benchmarks/gpu.py --data FOLDER --out FOLDER [--limit-s 180] [--train PLAN] [--quick] [--json]

Three parts, each written to OUT/gpu.json as soon as it is there, and all of them left where the time is up:

checks     gradients against the same engine in float64 on the CPU: the three models on tiny networks, at tight
           tolerances; then the full tied network, at training's tolerances, after the steps that were timed.
times      seconds a step, and so an epoch of 429 steps, of the full tied network and of dh-vae, one and eight at once.
           The first epoch of one network is trained whole where there is time.
floor      flops over the rate of a large product, bytes over the bandwidth of a copy, and the pieces of a sweep.

Ways to drive the device are tried in turn, and what failed is told: Triton kernels in CUDA graphs, Triton kernels as
they stand, plain torch operations. FOLDER of --data holds train-images-idx3-ubyte.gz; without it, images are noise, and
say so. Needs numpy, scipy, numba, h5py, lazy_loader and torch; with `--train`, see `gpu_training.py`.
"""

# ruff: noqa: E402  the checkout is put on the path, and numba replaced where it is missing, before the rest comes
from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
if find_spec("torch") is None:
    print("skipped: torch is not installed, pip install 'hopbar[torch]'")
    sys.exit(0 if "--quick" in sys.argv else 2)
import gpu_numba

NO_NUMBA = gpu_numba.install()

import numpy as np
import torch
from gpu_floor import clock, needs, pieces, rates, wait
from gpu_training import configured, plan, train_group
from harness import parser, report

from hvae.data import idx, sets
from hvae.learning.learners import make
from hvae.tensors.packing import Shelf
from hvae.tensors.propagation import Place, Propagation
from hvae.tensors.rows import Pace
from hvae.training.replicas import Replicas, numbers

MODES = {"graphs": ("fused", True), "fused": ("fused", False), "plain": ("plain", False)}
TIGHT = {"settling": {"tolerance": 1e-10, "max_sweeps": 1500}, "nudging": {"tolerance": 1e-10, "max_sweeps": 1000}}
SINGLE = {"settling": {"tolerance": 2e-6, "max_sweeps": 300}, "nudging": {"tolerance": 1e-6, "max_sweeps": 200}}
WANTED = {"cosine": 0.999, "tiny_float64_error": 1e-10, "tiny_float32_error": 1e-5, "tied_epoch_seconds": 5.0,
          "dh_epoch_seconds": 12.0}  # fmt: skip
STEPS_AN_EPOCH = 55000 // 128
SMALL = {"model": {"hidden": 40, "latent": 5}, "training": {"batch_size": 16}}


class Bench:
    """What all parts share: options, the time that is left, and the results so far."""

    def __init__(self, options) -> None:
        self.options, self.started = options, time.monotonic()
        self.device = torch.device(options.device)
        self.figures: dict[str, float] = {}
        self.extra: dict = {"parts": {}, "failed": []}
        if NO_NUMBA:
            self.extra["numba"] = f"a stand-in, as {NO_NUMBA}"
        self.mode = ""

    @property
    def left(self) -> float:
        """Seconds until the limit."""
        return self.options.limit_s - (time.monotonic() - self.started)

    def place(self, precision: str = "float32", mode: str = "") -> Place:
        """Return the device, driven as `mode` says."""
        passes, graphs = MODES[mode or self.mode]
        usual = Pace.usual(self.device)
        pace = replace(usual, graphs=graphs)
        return Place.of(str(self.device), precision, passes, pace)

    def part(self, name: str, work, reserve: float = 5.0) -> None:
        """Do a part unless the time is up; keep what it found, or why it failed."""
        if self.left < reserve:
            self.say(f"{name}: left out, {self.left:.0f} s left")
            return
        began = time.monotonic()
        try:
            self.extra["parts"][name] = work()
        except Exception as error:
            self.extra["failed"].append({"part": name, "error": repr(error), "trace": traceback.format_exc()})
            self.say(f"{name}: FAILED {error!r}\n{traceback.format_exc()}")
        self.say(f"{name}: {time.monotonic() - began:.1f} s, {self.left:.0f} s left")
        self.keep()

    def say(self, what: str) -> None:
        """Print for whoever watches."""
        print(what, file=sys.stderr, flush=True)

    def keep(self) -> dict:
        """Write what is known so far."""
        versions = {"torch": torch.__version__, "cuda": torch.version.cuda}
        name = torch.cuda.get_device_name() if self.device.type == "cuda" else "cpu"
        extra = {"device": name, "versions": versions, "mode": self.mode, **self.extra}
        notes = "steps of the first epoch from initial weights, Table 3; float32 without TF32"
        found = report("gpu", self.figures, WANTED, seed=0, quick=True, notes=notes, extra=extra)
        name = "gpu-training" if self.options.no_measure else "gpu"
        (self.options.out / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
        return found


def error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return |found - wanted| / |wanted|."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def cosine(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the cosine of two gradients."""
    return float((found * wanted).sum() / (np.linalg.norm(found) * np.linalg.norm(wanted)))


def gradients(config, place: Place, case: tuple, repeats: int = 1) -> dict[str, np.ndarray]:
    """Return the gradients (replicas, N, N) of a case: weights, images and noise as arrays of float64."""
    weights, images, noise = case
    propagation = Propagation([config] * len(images), place, batch=images.shape[1], n_pixels=images.shape[2])

    def placed(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array).to(place.device, place.dtype)

    arrays = {name: placed(array) for name, array in weights.items()}
    for _ in range(repeats):  # the second time blocks become CUDA graphs, the third time they are replayed
        _, found = propagation.gradients(arrays, placed(images), placed(noise))
    return {name: array.cpu().double().numpy() for name, array in found.items()}


def tiny_case(model: str) -> tuple:
    """Return weights of two networks, images and noise."""
    rng = np.random.default_rng(1)
    config = configured(model, SMALL)
    learner = make(config, 49)
    both = [learner.init(rng, np.float64) for _ in range(2)]
    weights = {name: np.stack([one[name] for one in both]) for name in both[0]}
    return weights, rng.uniform(-1, 1, (2, 16, 49)), rng.normal(size=(2, 16, learner.latent))


def check_tiny(bench: Bench, mode: str) -> dict[str, float]:
    """Return the largest errors over the three models against float64 on the CPU."""
    worst: dict[str, float] = {}
    for model in ("tdh-vae", "dh-vae", "h-vae"):
        case = tiny_case(model)
        wanted = gradients(configured(model, SMALL, TIGHT), Place.of("cpu", "float64"), case)
        for precision, tolerances in (("float64", TIGHT), ("float32", SINGLE)):
            found = gradients(configured(model, SMALL, tolerances), bench.place(precision, mode), case, repeats=3)
            far = max(error(found[name], wanted[name]) for name in wanted)
            worst[precision] = max(worst.get(precision, 0.0), far)
    return worst


def find_mode(bench: Bench) -> None:
    """Take the first way to drive the device that gives the right gradients; tell what failed."""
    asked = bench.options.mode
    order = list(MODES) if asked == "auto" else list(MODES)[list(MODES).index(asked) :]
    for mode in order if bench.device.type == "cuda" else ["plain"]:
        try:
            worst = check_tiny(bench, mode)
        except Exception as failure:
            bench.say(f"mode {mode} FAILED: {failure!r}\n{traceback.format_exc()}")
            bench.extra["failed"].append({"mode": mode, "error": repr(failure)})
            _again_where_broken(bench, mode)
            continue
        bench.say(f"mode {mode}: error {worst['float64']:.1e} in float64, {worst['float32']:.1e} in float32")
        if worst["float64"] < 1e-8 and worst["float32"] < 1e-3:
            bench.mode = mode
            bench.figures |= {f"tiny_{name}_error": value for name, value in worst.items()}
            return
        bench.extra["failed"].append({"mode": mode, "error": f"gradients are off by {worst}"})
    raise SystemExit("no mode gives the right gradients")


def _again_where_broken(bench: Bench, mode: str) -> None:
    """Begin again with the next mode in a new process where the device answers no more in this one."""
    try:
        torch.zeros(1, device=bench.device).add_(1).cpu()
    except RuntimeError:
        following = list(MODES)[list(MODES).index(mode) + 1 :]
        if not following:
            raise
        left = ["--limit-s", str(max(30.0, bench.left)), "--mode", following[0]]
        os.execv(sys.executable, [sys.executable, *sys.argv, *left])


def pictures(bench: Bench) -> tuple[np.ndarray, np.ndarray]:
    """Return training and validation images (n, pixels) in [-1, 1]."""
    quick, folder = bench.options.quick, bench.options.data
    names = [folder / f"train-images-idx3-ubyte{end}" for end in (".gz", "")] if folder else []
    path = next((name for name in names if name.exists()), None)
    if path is None:
        bench.extra["images"] = "noise: no --data with train-images-idx3-ubyte.gz"
        bench.say(bench.extra["images"])
        every = np.random.default_rng(0).uniform(-1, 1, (900, 784)).astype(np.float32)
        every = every[:, :49] if quick else np.tile(every, (67, 1))
        return every[:-100], every[-100:]
    every = sets.scale(idx.parse(idx.unpack(path), path.name))
    if quick:
        every = every.reshape(-1, 7, 4, 7, 4)[:1000].mean(axis=(2, 4)).reshape(-1, 49)
    held = 200 if quick else sets.VALIDATION_SIZE
    return every[:-held], every[-held:]


def time_steps(bench: Bench, name: str, model: str, replicas: int, images: np.ndarray) -> dict:
    """Time steps of `replicas` networks from their initial weights; keep the runs of one network for later parts."""
    quick = bench.options.quick
    changes = SMALL if quick else {}
    configs = [configured(model, changes, {"training": {"seed": k}}) for k in range(replicas)]
    runs = Replicas(configs, images, bench.place())
    warm, count = (3, 4) if quick else (12, bench.options.steps)
    for _ in range(warm):
        metrics = runs.advance()
    wait(bench.device)
    before, began, done = _worked(runs), time.perf_counter(), 0
    budget = 0.25 * bench.left
    sums: dict[str, torch.Tensor] = {}
    while done < count and (done % 10 or time.perf_counter() - began < budget):
        metrics = runs.advance()
        sums = {key: sums.get(key, 0) + value for key, value in metrics.items()}
        done += 1
    wait(bench.device)
    seconds = (time.perf_counter() - began) / done
    means = [dict(one) for one in numbers({key: value / done for key, value in sums.items()})]
    found = {
        "model": model, "replicas": replicas, "seconds_a_step": seconds, "steps": done,
        "epoch_seconds_from_steps": seconds * STEPS_AN_EPOCH, "rows_worked_a_step": (_worked(runs) - before) / done,
        "metrics": means, "needs": needs(runs.propagation, means[0]),
        "memory_bytes": torch.cuda.max_memory_allocated() if bench.device.type == "cuda" else 0,
    }  # fmt: skip
    bench.figures[f"{name}_{replicas}_step_seconds"] = seconds
    bench.say(
        f"{name} x {replicas}: {1e3 * seconds:.2f} ms a step, {seconds * STEPS_AN_EPOCH:.2f} s an epoch of "
        f"{replicas}; sweeps {means[0]['encoder_sweeps']:.1f} + {means[0]['decoder_sweeps']:.1f}, SSE/2 "
        f"{means[0]['sse_half']:.1f}, KL {means[0]['kl']:.2f}, unsettled {means[0]['unconverged']:.3f}"
    )
    bench.runs = runs
    return found


def _worked(runs: Replicas) -> int:
    sides = (runs.propagation.encoding, runs.propagation.decoding)
    return sum(side.free.worked + side.response.worked for side in sides)


def time_epoch(bench: Bench, name: str) -> dict:
    """Train the rest of the first epoch of the runs at hand, and time it; the whole epoch follows from its share."""
    runs = bench.runs
    first, began = runs.step, time.perf_counter()
    while runs.step < runs.steps_per_epoch and (runs.step % 10 or bench.left > 20):
        metrics = runs.advance()
    wait(bench.device)
    share = (runs.step - first) / runs.steps_per_epoch
    if not share:
        return {}
    seconds = (time.perf_counter() - began) / share
    bench.figures[f"{name}_epoch_seconds"] = seconds
    last = numbers(metrics)[0]
    bench.say(f"{name}: an epoch in {seconds:.2f} s ({share:.0%} of it timed), last step {last}")
    return {"epoch_seconds": seconds, "share_timed": share, "last_step": last}


def check_full(bench: Bench, images: np.ndarray, name: str = "cosine") -> dict:
    """Compare a gradient of the network at hand with float64 at tight tolerances, on the device and on the CPU."""
    runs = bench.runs
    config = runs.configs[0]
    weights = {net: array[None].astype(np.float64) for net, array in runs.parameters(0).items()}
    rng = np.random.default_rng(2)
    found = {}
    model = {"model": {key: getattr(config.model, key) for key in ("hidden", "latent")}}
    tight = configured(config.model.name, model, TIGHT)
    for place, count in ((bench.place("float64"), runs.batch), (Place.of("cpu", "float64"), 4)):
        where = place.device.type
        if where == "cpu" and bench.left < 25:
            continue
        some = images[:count].astype(np.float64)[None]
        case = (weights, some, rng.normal(size=(1, len(some[0]), runs.propagation.latent)))
        wanted = gradients(tight, place, case)
        usual = gradients(config, bench.place(), case)
        exact = gradients(configured(config.model.name, model, SINGLE), bench.place(), case)
        found[f"float64 on {where}"] = {
            net: {
                "cosine": cosine(usual[net], wanted[net]), "error": error(usual[net], wanted[net]),
                "cosine_tight_float32": cosine(exact[net], wanted[net]),
                "error_tight_float32": error(exact[net], wanted[net]), "batch": count,
            }
            for net in wanted
        }  # fmt: skip
        bench.say(f"against float64 on {where}: {found[f'float64 on {where}']}")
    bench.figures[name] = min(one["cosine"] for side in found.values() for one in side.values())
    return found


def floor(bench: Bench, timed: list[dict]) -> dict:
    """Return rates of the device, the floor of each timing, and the ratio to it."""
    measured = rates(bench.device, quick=bench.options.quick)
    rows = []
    for row in timed:
        by_flops = row["needs"]["flops"] / measured["flops_per_second"]
        by_bytes = row["needs"]["bytes"] / measured["bytes_per_second"]
        ratio = row["seconds_a_step"] / max(by_flops, by_bytes)
        bench.figures[f"{row['model']}_{row['replicas']}_over_floor"] = ratio
        rows.append({"model": row["model"], "replicas": row["replicas"], "floor_flops_seconds": by_flops,
                     "floor_bytes_seconds": by_bytes, "over_floor": ratio})  # fmt: skip
        bench.say(f"{row['model']} x {row['replicas']}: floor {1e3 * by_flops:.2f} ms (flops), {1e3 * by_bytes:.2f} ms "
                  f"(bytes); measured {ratio:.1f} times the larger")  # fmt: skip
    bench.say(f"float32 {measured['flops_per_second'] / 1e12:.1f} Tflop/s, copy "
              f"{measured['bytes_per_second'] / 1e12:.2f} TB/s")  # fmt: skip
    return {"rates": measured, "rows": rows}


def sweep_pieces(bench: Bench) -> list[dict]:
    """Time the pieces of a sweep of the runs at hand, with other shapes of the kernels beside."""
    own, variants = bench.place().passes, {}
    if bench.mode != "plain":
        variants = {f"{count} a thread": type(own)(count) for count in (8, 2)}
    found = pieces(bench.runs.propagation, variants, graph=MODES[bench.mode][1])
    for row in found:
        times = ", ".join(f"{name} {1e6 * seconds:.1f}" for name, seconds in row["seconds"].items())
        shape = f"{row['replicas']} x {row['rows']} x {row['width']}"
        bench.say(f"{row['network']} ({row['clamped']} clamped) {shape}, us: {times}")
    runs = bench.runs
    weights, other = runs.weights, {name: array * 1e-3 for name, array in runs.weights.items()}
    rates = torch.zeros(runs.propagation.replicas, device=bench.device)
    step = clock(lambda: runs.optimizer.step(weights, other, rates), bench.device, 5)
    bench.say(f"optimizer: {1e6 * step:.0f} us")
    return [*found, {"optimizer_seconds": step}]


def measure(bench: Bench, images: np.ndarray) -> None:
    """Do the parts of checks, times and floor, the most wanted first."""
    many = bench.options.replicas
    timed: list[dict] = []

    def steps(name: str, model: str, count: int) -> dict:
        timed.append(time_steps(bench, name, model, count, images))
        return timed[-1]

    for name, model in (("tied", "tdh-vae"), ("dh", "dh-vae")):
        bench.part(f"{name} x 1", lambda name=name, model=model: steps(name, model, 1), 20)
        if not timed or timed[-1]["model"] != model:
            continue
        bench.part(f"{name} epoch", lambda name=name: time_epoch(bench, name), 20)
        if name == "tied":
            bench.part("full gradient", lambda: check_full(bench, images), 20)
        bench.part(f"{name} pieces x 1", lambda: sweep_pieces(bench), 10)
        bench.part(f"{name} x {many}", lambda name=name, model=model: steps(name, model, many), 25)
        bench.part(f"{name} pieces x {many}", lambda: sweep_pieces(bench), 10)
    bench.part("floor", lambda: floor(bench, timed), 3)
    if bench.device.type == "cuda":
        bench.part("tied with TF32", lambda: with_tf32(bench, images), 20)


def with_tf32(bench: Bench, images: np.ndarray) -> dict:
    """Time the tied networks with products in TF32, which are off elsewhere, and tell what that does to a gradient."""
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        found = time_steps(bench, "tied_tf32", "tdh-vae", bench.options.replicas, images)
        return {"times": found, "gradient": check_full(bench, images, "cosine_tf32")}
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


def train(bench: Bench, images: np.ndarray, held_out: np.ndarray) -> None:
    """Train the groups of the plan one after the other; write curves and weights after each."""
    shelf, told = Shelf(bench.options.out), []
    deadline = bench.started + bench.options.limit_s
    for group in plan(bench.options.train):
        if bench.left < 20:
            bench.say(f"group {group.get('name')}: left out, {bench.left:.0f} s left")
            continue
        try:
            found = train_group(group, images, held_out, bench.place, deadline, shelf)
        except Exception as failure:
            found = {"name": group.get("name"), "error": repr(failure), "trace": traceback.format_exc()}
        told.append(found)
        (bench.options.out / "training.json").write_text(json.dumps(told) + "\n")
        last = found.get("validation") or found.get("curves") or [found.get("error")]
        steps = f"{found.get('steps')} of {found.get('of')} steps in {found.get('seconds', 0):.0f} s"
        bench.say(f"group {found['name']}: {steps}; {last[-1]}")


def main() -> None:
    """Measure and train as asked, print, and keep the result."""
    asked = parser(__doc__, of_a_run=False)
    asked.add_argument("--data", type=Path, help="folder of train-images-idx3-ubyte.gz")
    asked.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", "build/gpu")), help="folder of results")
    asked.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    asked.add_argument("--mode", choices=["auto", *MODES], default="auto")
    asked.add_argument("--limit-s", type=float, default=180.0, help="end after so many seconds, whatever is left")
    asked.add_argument("--steps", type=int, default=100, help="steps that are timed")
    asked.add_argument("--replicas", type=int, default=8, help="networks at once, beside one alone")
    asked.add_argument("--train", type=Path, help="plan of trainings, JSON or TOML")
    asked.add_argument("--no-measure", action="store_true", help="only find the mode, and train")
    options = asked.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.device == "cpu" and not options.quick and not options.train:
        asked.error("there is no CUDA device here: --quick tries the script on the processor")
    torch.backends.cuda.matmul.allow_tf32 = False
    bench = Bench(options)
    find_mode(bench)
    images, held_out = pictures(bench)
    if not options.no_measure:
        measure(bench, images)
    if options.train is not None:
        train(bench, images, held_out)
    found = bench.keep()
    print(json.dumps(found if options.json else bench.figures))


if __name__ == "__main__":
    main()
