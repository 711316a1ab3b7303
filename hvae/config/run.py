"""The configuration of a run: frozen data with the paper's values as defaults, checked before any work is done."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks
from hvae.config.array import ArraySettings
from hvae.config.aware import AwareSettings
from hvae.config.neurons import NeuronSettings
from hvae.data.own.found import LEAST_SIDE, MOST_SIDE, OWN
from hvae.data.sources import DIGITS, EMBEDDED
from hvae.data.sources import names as datasets_known

ModelName = Literal["f-vae", "h-vae", "dh-vae", "tdh-vae"]
FINEST_BOUNDED = 1e-4  # settling.tolerance, a hundredth of which float32 still reaches
Prior = Literal["standard", "gaussian", "mixture", "mixture-heldout", "encodings"]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes of a model."""

    name: ModelName
    hidden: int  # hidden neurons of each network
    latent: int  # dimensions of z
    sigma: float | None = None  # fixed standard deviation of z (tied model only)
    gain: float = 3.0  # rho(s) = sigmoid(gain s), appendix B.1
    pixel_neuron: Literal["sigmoid", "linear"] = "sigmoid"
    hidden_neuron: Literal["sigmoid", "classical"] = "sigmoid"  # `crossbar.hopfield.neurons`; the paper's is sigmoid
    latent_neuron: Literal["sigmoid", "linear"] = "sigmoid"  # a nudge on the state of a classical one has no bound
    latent_gain: float | None = None  # of the latent neurons, where it is not `gain`
    density: float = 1.0  # dense models: share of the links kept that a layered one has not; 0 leaves its links alone
    sigma_rule: Literal["fixed", "learned"] = "fixed"  # tied model: learned gives each latent its own, from sigma on
    latent_scale: float = 1.0  # tied model: z is so many times the states of the latent neurons, which rho' confines

    def __post_init__(self) -> None:
        self._check_variants()
        checks.at_least("model.hidden", self.hidden, 1)
        checks.at_least("model.latent", self.latent, 1)
        _within("model.gain", self.gain, 0.01, 1000, "rho(gain s) is flat, or a step, for states of order 1")
        if self.latent_gain is not None:
            _within("model.latent_gain", self.latent_gain, 0.01, 1000, "rho(gain s) is flat, or a step, elsewhere")
            if self.latent_neuron == "linear":
                raise InvalidValue("`model.latent_gain` is of sigmoids, but `model.latent_neuron` is linear: remove it")
        laws = {self.pixel_neuron, self.hidden_neuron, self.latent_neuron}
        if self.name == "f-vae" and (laws != {"sigmoid"} or self.latent_gain is not None):
            raise InvalidValue("laws of neurons (`model.latent_neuron`, ...) are of Hopfield models, not of f-vae")
        if self.name == "tdh-vae":
            if self.sigma is None:
                raise InvalidValue("`model.sigma` must be set for tdh-vae, whose encoder predicts no variance")
            _within("model.sigma", self.sigma, 1e-4, 100, "N(0, 1) is what the KL term pulls z to")
        elif self.sigma is not None:
            raise InvalidValue(f"`model.sigma` belongs to tdh-vae alone; {self.name} predicts its own: remove it")

    def _check_variants(self) -> None:
        if not 0 <= self.density <= 1:
            raise InvalidValue(f"`model.density` must be in [0, 1], but got {self.density}")
        if self.density != 1 and self.name not in {"dh-vae", "tdh-vae"}:
            raise InvalidValue(f"`model.density` thins out dense models, but {self.name} is layered: leave it at 1")
        checks.positive("model.latent_scale", self.latent_scale)
        if self.sigma_rule == "learned" and (self.name != "tdh-vae" or self.latent_scale != 1):
            raise InvalidValue(
                "`model.sigma_rule` learned is for tdh-vae without `model.latent_scale`: sigma is a parameter there"
            )
        if self.latent_scale != 1 and self.name != "tdh-vae":
            raise InvalidValue(f"`model.latent_scale` belongs to tdh-vae alone, not to {self.name}: leave it at 1")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which images."""

    name: str = "mnist-5k"  # or `own`: the images of `file`
    folder: str | None = None  # where the files lie; else HOPBAR_DATA, the cache, or a download
    image_size: Literal[28, 14, 7] = 28  # of MNIST's kind: smaller images are means over squares of pixels
    train_limit: int | None = None  # use only so many training images
    file: str | None = None  # own images: a folder of pictures or IDX files, .npz, .npy, HDF5 or IDX
    rows: int | None = None  # own images: what they are brought to; found in the file where a run is made
    columns: int | None = None
    channels: Literal[1, 3] | None = None  # grey or colour
    fit: Literal["resize", "crop"] = "resize"  # own images of another ratio: squeezed, or cut around the middle
    checksum: str | None = None  # own images: SHA-256 of what was read when the run was made

    def __post_init__(self) -> None:
        self._check_own()
        known = (*datasets_known(), OWN)
        if self.name not in known:
            raise unknown_name("data set", self.name, known)
        if self.name in {EMBEDDED, DIGITS} and self.folder is not None:
            raise InvalidValue(
                f"`data.folder` is for data sets that are read from files, but {self.name} is embedded: leave it out, "
                "or name another data set"
            )
        if self.train_limit is not None:
            checks.at_least("data.train_limit", self.train_limit, 1)

    def _check_own(self) -> None:
        if self.name == OWN and self.file is None:
            raise InvalidValue("`data.file` must name your images where `data.name` is own: give --dataset PATH")
        if self.name != OWN and (self.file, self.rows, self.columns, self.channels, self.checksum) != (None,) * 5:
            raise InvalidValue(f"`data.file`, rows, columns and channels are of own images, but got {self.name!r}")
        if self.name == OWN and (self.image_size != 28 or self.folder is not None):
            raise InvalidValue("own images have `data.rows` and `data.columns`: leave `data.image_size`, `folder` out")
        for name in ("rows", "columns"):
            side = getattr(self, name)
            if side is not None and not LEAST_SIDE <= side <= MOST_SIDE:
                raise InvalidValue(f"`data.{name}` must be from {LEAST_SIDE} to {MOST_SIDE} pixels, but got {side}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of an image.

        Raises
        ------
        InvalidValue
            Own images whose shape was not looked up.
        """
        if self.name == DIGITS:
            return 8, 8, 1
        if self.name != OWN:
            return self.image_size, self.image_size, 1
        if self.rows is None or self.columns is None or self.channels is None:
            raise InvalidValue("own images have no shape yet: set `data.rows`, `data.columns` and `data.channels`")
        return self.rows, self.columns, self.channels

    @property
    def n_pixels(self) -> int:
        """Pixels of an image, each colour counted."""
        rows, columns, channels = self.shape
        return rows * columns * channels


@dataclass(frozen=True, kw_only=True)
class SettlingConfig:
    """How equilibria are found."""

    solver: Literal["conjugate-gradient", "euler"] = "conjugate-gradient"
    tolerance: float = 1e-3  # settled when every component of grad E is smaller
    max_sweeps: int = 200  # products with W a sample may take; steps of the free phase with euler
    time_step: float = 0.3  # euler: dt in time constants
    max_unsettled: float = 0.5  # a training epoch or an evaluation with a larger share of unsettled samples is refused

    def __post_init__(self) -> None:
        _below_one("settling.tolerance", self.tolerance, "components of grad E are of order 1 before anything settles")
        checks.at_least("settling.max_sweeps", self.max_sweeps, 2)
        if not 0 <= self.max_unsettled <= 1:
            raise InvalidValue(f"`settling.max_unsettled` must be in [0, 1], but got {self.max_unsettled}")
        if not 0 < self.time_step <= 0.44:
            raise InvalidValue(
                f"`settling.time_step` must be in (0, 0.44], but got {self.time_step}: eq. (3) is stable only below "
                "2 / lambda_max of the Hessian, which is 0.44 on trained networks"
            )


@dataclass(frozen=True, kw_only=True)
class NudgingConfig:
    """How the contrast of equilibria is made."""

    method: Literal["linear-response", "centred", "positive", "negative"] = "linear-response"
    beta: float = 0.05  # strength of the nudge; linear-response is its limit 0
    tolerance: float = 1e-2  # linear-response: relative remainder of the linear system
    max_sweeps: int = 60  # products with W a sample may take in a nudged phase
    norm_limit: float = 5.0  # a sample's contrast is shortened to this many medians of the batch
    refine_above: float | None = None  # linear-response: longer contrasts, in medians, are found again closer; or none

    def __post_init__(self) -> None:
        checks.positive("nudging.beta", self.beta)
        _below_one(
            "nudging.tolerance", self.tolerance, "the remainder is relative, and 1 is that of no solution at all"
        )
        checks.at_least("nudging.max_sweeps", self.max_sweeps, 1)
        checks.positive("nudging.norm_limit", self.norm_limit)
        if self.refine_above is not None:
            checks.positive("nudging.refine_above", self.refine_above)


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How gradients change weights."""

    name: Literal["adam", "sgd", "muon"] = "adam"
    learning_rate: float = 1e-3
    schedule: Literal["linear", "cosine", "constant"] = "linear"  # to zero at the end of the run
    warmup: float = 0.0  # share of the run over which the rate rises from zero
    momentum: float = 0.0  # of sgd and muon
    weight_decay: float = 0.0  # fraction of each weight lost per unit of learning rate
    centring: float = 0.0  # share of the signals along their batch mean that the gradient leaves out; Hopfield models
    latent_rate: float = 1.0  # factor on the gradient by the weights of the latents; Hopfield models

    def __post_init__(self) -> None:
        checks.positive("optimizer.learning_rate", self.learning_rate)
        if not 0 <= self.warmup < 1:
            raise InvalidValue(f"`optimizer.warmup` must be in [0, 1), but got {self.warmup}: it is a share of the run")
        if not 0 <= self.momentum < 1:
            raise InvalidValue(f"`optimizer.momentum` must be in [0, 1), but got {self.momentum}")
        if self.momentum and self.name == "adam":
            raise InvalidValue("`optimizer.momentum` is of sgd and muon, adam has its own: leave it at 0")
        if not 0 <= self.weight_decay < float("inf"):
            raise InvalidValue(f"`optimizer.weight_decay` must be finite and not negative, but got {self.weight_decay}")
        if not 0 <= self.centring < 1:
            raise InvalidValue(f"`optimizer.centring` must be in [0, 1), but got {self.centring}")
        checks.positive("optimizer.latent_rate", self.latent_rate)
        if self.latent_rate != 1 and self.name == "muon":
            raise InvalidValue(
                "`optimizer.latent_rate` scales gradients, but muon's steps do not depend on their size: leave it at 1"
            )


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How long, in which portions, from which seed."""

    epochs: int = 10
    batch_size: int = 128
    beta_kl: float = 1.0  # weight of the KL term, relative to SSE/2 summed over pixels in [-1, 1]
    conditioning: float = 0.0  # strength of the penalty -log(lambda_min) on the decoder's softest samples; 0 for none
    seed: int = 0
    precision: Literal["float32", "float64"] = "float32"
    checkpoint_seconds: float = 60.0  # a checkpoint at least so often, and after every epoch
    validation_samples: int = 2000  # generated images for the Frechet distance after an epoch; 0 for none
    eigenvalue_samples: int = 2  # samples whose smallest Hessian eigenvalue is logged after an epoch; 0 for none
    gradient_samples: int = 16  # samples whose gradient is compared with the exact one after an epoch; 0 for none
    gradient_bound: bool = False  # report a bound of the relative error of every batch's gradient; half more time

    def __post_init__(self) -> None:
        checks.at_least("training.epochs", self.epochs, 1)
        checks.at_least("training.batch_size", self.batch_size, 1)
        checks.at_least("training.seed", self.seed, 0)
        checks.at_least("training.validation_samples", self.validation_samples, 0)
        checks.at_least("training.eigenvalue_samples", self.eigenvalue_samples, 0)
        checks.at_least("training.gradient_samples", self.gradient_samples, 0)
        checks.positive("training.beta_kl", self.beta_kl)
        checks.not_negative("training.conditioning", self.conditioning)
        checks.positive("training.checkpoint_seconds", self.checkpoint_seconds)


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Where z comes from when images are generated from a trained model (`evaluate`, `sample`, `reproduce`)."""

    prior: Prior = "standard"  # N(0, I), a fit to the encoded training set, or these encodings themselves
    components: int = 10  # Gaussians of `mixture`; `mixture-heldout` chooses their number itself
    covariance: Literal["full", "tied", "diag"] = "full"  # each Gaussian its own, one for all, or diagonal
    fit_samples: int = 10000  # training images that are encoded for the fit

    def __post_init__(self) -> None:
        checks.at_least("sampling.components", self.components, 1)
        checks.at_least("sampling.fit_samples", self.fit_samples, 2)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that determines a run; `hvae.configure` makes one from tables and files.

    Examples
    --------
    >>> import hvae
    >>> config = hvae.configure("tdh-vae", training={"epochs": 3})
    >>> isinstance(config, hvae.RunConfig), config.training.epochs, config.optimizer.name
    (True, 3, 'adam')
    """

    model: ModelConfig
    data: DataConfig = field(default_factory=DataConfig)
    settling: SettlingConfig = field(default_factory=SettlingConfig)
    nudging: NudgingConfig = field(default_factory=NudgingConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    array: ArraySettings = field(default_factory=ArraySettings)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    neurons: NeuronSettings = field(default_factory=NeuronSettings)
    aware: AwareSettings = field(default_factory=AwareSettings)

    def __post_init__(self) -> None:
        self._check_array()
        self._check_aware()
        if not self.neurons.perfect and self.model.name == "f-vae":
            raise InvalidValue("`neurons` are those of a Hopfield model's chip, and an f-vae has none: leave them out")
        if self.nudging.refine_above is not None and not self._responds:
            raise InvalidValue(
                "`nudging.refine_above` is for nudging.method=linear-response with settling.solver=conjugate-gradient, "
                f"but they are {self.nudging.method} and {self.settling.solver}: leave it out"
            )
        plain = self.optimizer.centring == 0 and self.optimizer.latent_rate == 1
        if not plain and (self.array.device is not None or self.model.name == "f-vae"):
            raise InvalidValue(
                "`optimizer.centring` and `latent_rate` are for Hopfield models on float weights: leave them out"
            )
        if self.optimizer.name == "muon" and self.model.density != 1:
            raise InvalidValue(
                "`optimizer.name` muon moves all weights of a pair of blocks, but `model.density` has left some out: "
                "take sgd or adam"
            )
        if self.training.conditioning and (self.array.device is not None or self.model.name == "f-vae"):
            raise InvalidValue("`training.conditioning` is for Hopfield models on float weights: leave it at 0")
        self._check_bound()
        plain = self.model.latent_scale == 1 and self.model.density == 1 and self.model.sigma_rule == "fixed"
        if self.array.device is not None and not plain:
            raise InvalidValue(
                "`model.latent_scale`, `density` and `sigma_rule` are for float weights: leave out the array"
            )

    def _check_bound(self) -> None:
        if not self.training.gradient_bound:
            return
        if self.array.device is not None or self.model.name == "f-vae":
            raise InvalidValue("`training.gradient_bound` is for Hopfield models on float weights: leave it out")
        if self.training.precision == "float32" and self.settling.tolerance < FINEST_BOUNDED:
            raise InvalidValue(
                f"`training.gradient_bound` settles on to a hundredth of `settling.tolerance`, which float32 does only "
                f"from {FINEST_BOUNDED:g} up, but got {self.settling.tolerance:g}: add training.precision=float64"
            )

    @property
    def _responds(self) -> bool:
        """Whether contrasts are linear responses at equilibria that can be refined."""
        return self.nudging.method == "linear-response" and self.settling.solver == "conjugate-gradient"

    def _check_aware(self) -> None:
        if self.aware.device is None and self.aware != AwareSettings():
            raise InvalidValue("`aware` disturbs nothing without a device: name it (--aware DEVICE), or leave it out")
        if self.aware.device is not None and (self.array.device is not None or self.model.name == "f-vae"):
            raise InvalidValue(
                "`aware.device` disturbs the float weights of a Hopfield model: leave it out with an array or an f-vae"
            )

    def _check_array(self) -> None:
        if self.array.device is not None:
            return
        ideal = asdict(ArraySettings())
        changed = [name for name, value in asdict(self.array).items() if value != ideal[name]]
        if changed:
            raise InvalidValue(
                f"`array.{changed[0]}` belongs to an array, but the run has none: name its devices with "
                "--array DEVICE or array.device=DEVICE (`ideal` for floats in devices), or leave it out"
            )


_TABLE_3 = {
    "f-vae": (1820, 10, None, 5.55, 9.91e-4),
    "h-vae": (1842, 25, None, 0.517, 6.68e-5),
    "dh-vae": (1696, 25, None, 0.556, 9.41e-4),
    "tdh-vae": (833, 69, 0.429, 1.90, 9.55e-4),
}
"""Hidden size, latent size, sigma, beta_KL and learning rate of each model: Table 3 of arXiv:2311.15047."""


def table_3(model: str) -> RunConfig:
    """Return the run of `model` with the values of the paper's Table 3.

    The paper states neither optimizer, batch size, nudging nor epochs: Adam, 128, linear response and 10 are ours.

    Raises
    ------
    UnknownName
        No such model.
    """
    if model not in _TABLE_3:
        raise unknown_name("model", model, _TABLE_3)
    hidden, latent, sigma, beta_kl, learning_rate = _TABLE_3[model]
    config = RunConfig(model=ModelConfig(name=model, hidden=hidden, latent=latent, sigma=sigma))  # type: ignore[arg-type]
    return replace(
        config,
        optimizer=OptimizerConfig(learning_rate=learning_rate),
        training=TrainingConfig(beta_kl=beta_kl),
    )


def _within(name: str, value: float, low: float, high: float, reason: str) -> None:
    if not low <= value <= high:
        sign = "positive" if low > 0 and value <= 0 else f"from {low:g} to {high:g}"
        raise InvalidValue(f"`{name}` must be {sign}, but got {value}: {reason}")


def _below_one(name: str, value: float, reason: str) -> None:
    checks.positive(name, value)
    if value >= 1:
        raise InvalidValue(f"`{name}` must lie in (0, 1), but got {value}: {reason}")
