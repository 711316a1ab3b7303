"""What kind of numbers a model's latents are, from mu and log sigma^2 of many images: bits, levels, or real numbers.

Latent neurons that saturate write one bit each, however many bits the read-out could tell apart. Kurtosis, the share of
saturated values and the bits that a code can carry at most show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

ACTIVE = 0.05
"""A latent is active where its mu varies more than this over the images."""

KEYS = {
    "active_latents": f"active latents (variance of mu > {ACTIVE})",
    "mu_kurtosis": "kurtosis of mu (binary 1, uniform 1.8, Gaussian 3)",
    "mu_saturated": "share of mu near the ends of its range (binary 1, uniform 0.22, Gaussian 0.06)",
    "mu_p5": "mu, 5th percentile",
    "mu_p95": "mu, 95th percentile",
    "mu_largest": "largest |mu|",
    "kl_bits": "KL divergence (bit)",
    "code_bits": "bits that the code carries at most",
}
"""What `described` finds, with its name on screens and pages."""

TOLD = ("mu_kurtosis",)
"""What of it is told after every epoch; all of it is logged."""

BINARY = 1.4
"""A code is called nearly binary up to this kurtosis, halfway to a uniform one's."""

_OUTER = 0.8  # of half a latent's range
_ENDS = (1, 99)  # percentiles that the range reaches from and to


def described(mean: np.ndarray, log_variance: np.ndarray) -> dict[str, float | int | None]:
    """Return `KEYS` of the code of n images, from mu and log sigma^2, each (n, latent).

    ``mu_kurtosis``, ``mu_saturated``
        Of the active latents; None where there are none (`kurtosis`, `saturated`).
    ``mu_p5``, ``mu_p95``, ``mu_largest``
        Of all mu of all latents together.
    ``kl_bits``
        The mean of eq. (7), in bits: what a sender of z pays who shares the prior N(0, I).
    ``code_bits``
        `information` in bits. Neither is less than the mutual information of image and z.
    """
    mean, log_variance = mean.astype(np.float64), log_variance.astype(np.float64)
    active = mean[:, mean.var(axis=0) > ACTIVE]
    low, high = np.percentile(mean, (5, 95))
    kl = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1).mean()
    return {
        "active_latents": active.shape[1],
        "mu_kurtosis": kurtosis(active) if active.size else None,
        "mu_saturated": saturated(active) if active.size else None,
        "mu_p5": float(low),
        "mu_p95": float(high),
        "mu_largest": float(np.abs(mean).max()),
        "kl_bits": float(kl / np.log(2)),
        "code_bits": information(mean, log_variance) / float(np.log(2)),
    }


def logged(mean: np.ndarray, log_variance: np.ndarray, prefix: str) -> dict[str, float]:
    """Return what `described` finds and is there, each name after `prefix`: a line of metrics.jsonl."""
    return {f"{prefix}{key}": value for key, value in described(mean, log_variance).items() if value is not None}


def kurtosis(mean: np.ndarray) -> float:
    """Return the median over latents of the kurtosis E(mu - m)^4 / (E(mu - m)^2)^2 over images, of (n, latent).

    1 for two values that are equally frequent, 1.8 for a uniform distribution, 3 for a Gaussian. A bit that is rarely
    on has a large one; the median does not heed a few of them.
    """
    centred = mean - mean.mean(axis=0)
    return float(np.median((centred**4).mean(axis=0) / (centred**2).mean(axis=0) ** 2))


def saturated(mean: np.ndarray) -> float:
    """Return the share of mu (n, latent) in the outer fifth of its latent's range: |mu - c_j| > 0.8 r_j.

    The range c_j +- r_j of latent j reaches from the 1st to the 99th percentile of its own mu, so that it has a meaning
    for latents without a bound too, and single images do not set it. 1 for two values, 0.216 for a uniform
    distribution, 0.063 for a Gaussian.
    """
    low, high = np.percentile(mean, _ENDS, axis=0)
    return float((np.abs(mean - (low + high) / 2) > _OUTER * (high - low) / 2).mean())


def information(mean: np.ndarray, log_variance: np.ndarray) -> float:
    """Return how many nats z can tell of the image at most, whatever the prior: an upper bound of I(x; z).

    ``sum_j (log(Var mu_j + E sigma_j^2) - E log sigma_j^2) / 2``: the mean KL divergence of q(z|x) from the Gaussian of
    independent z_j that is nearest to the aggregate posterior. Never more than the KL from N(0, I), eq. (7).
    """
    spread = mean.var(axis=0) + np.exp(log_variance).mean(axis=0)
    return float(0.5 * (np.log(spread) - log_variance.mean(axis=0)).sum())


def verdicts(found: Mapping[str, Any]) -> list[str]:
    """Return in a sentence that a code is nearly binary where it is, from what `described` found; else nothing.

    >>> verdicts({"mu_kurtosis": 1.18, "active_latents": 16, "code_bits": 16.2})
    ['its latents are nearly binary (kurtosis of mu 1.18): 16 of them carry at most 16 bits']
    """
    value = found.get("mu_kurtosis")
    if value is None or value > BINARY:
        return []
    active, bits = found["active_latents"], found["code_bits"]
    return [
        f"its latents are nearly binary (kurtosis of mu {value:.2f}): {active} of them carry at most {bits:.0f} bits"
    ]
