"""The bootstrap (Efron & Tibshirani 1993): how far a mean over questions can be trusted.

Questions are drawn with replacement, from a seed, so that the same values give the same intervals.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

__all__ = ["Difference", "Estimate", "estimate", "estimates", "paired_difference"]

RESAMPLES = 10_000
CHUNK = 1_000
CONFIDENCE = 0.95

Values = npt.NDArray[np.float64]


class Estimate(BaseModel):
    """A mean with the ends of its 95 % interval (percentiles of the resampled means)."""

    model_config = ConfigDict(frozen=True)

    mean: float
    low: float
    high: float


class Difference(BaseModel):
    """A mean difference over the same questions, its 95 % interval, and a two-sided p-value."""

    model_config = ConfigDict(frozen=True)

    mean: float
    low: float
    high: float
    p: float


def estimate(values: npt.ArrayLike, seed: int) -> Estimate:
    """The mean of the values, shape (n,), with its interval."""
    return estimates(np.asarray(values, np.float64)[:, None], seed)[0]


def estimates(values: Values, seed: int) -> list[Estimate]:
    """The mean of each column, shape (n, columns) with n at least 1, with its interval."""
    means = np.concatenate(list(_resampled_means(values, seed)))
    low, high = np.quantile(means, _ends(), axis=0)
    return [
        Estimate(mean=_rounded(mean), low=_rounded(start), high=_rounded(end))
        for mean, start, end in zip(values.mean(axis=0), low, high, strict=True)
    ]


def paired_difference(first: npt.ArrayLike, second: npt.ArrayLike, seed: int) -> Difference:
    """How much higher the first is than the second on the same questions, both of shape (n,).

    p is twice the share of resamples on the rarer side of zero, never below what so many resamples
    can tell.
    """
    gaps = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    means = np.concatenate(list(_resampled_means(gaps[:, None], seed)))[:, 0]
    low, high = np.quantile(means, _ends())
    rarer = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    p = min(1.0, 2 * (rarer + 1) / (RESAMPLES + 1))
    return Difference(
        mean=_rounded(gaps.mean()), low=_rounded(low), high=_rounded(high), p=_rounded(p)
    )


def _ends() -> tuple[float, float]:
    return (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2


def _resampled_means(values: Values, seed: int) -> Iterator[Values]:
    """Means of resamples, shape (CHUNK, columns) at a time; all columns share each resample."""
    random = np.random.default_rng(seed)
    count = len(values)
    chances = np.full(count, 1 / count)
    for _ in range(RESAMPLES // CHUNK):
        drawn = random.multinomial(count, chances, size=CHUNK)
        yield drawn @ values / count


def _rounded(value: float) -> float:
    """To six places, so that the last bits of a sum do not show in reports."""
    return round(float(value), 6)
