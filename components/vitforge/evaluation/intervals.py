"""Confidence intervals: closed forms where there is one, the bootstrap elsewhere."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitforge.statistics import wilson

_BLOCK_ENTRIES = 8_000_000
"""Entries of the weight matrix held at a time (32 MB)."""


class Interval(NamedTuple):
    """A lower and an upper bound."""

    low: float
    high: float


def proportion_interval(successes: int, n: int, level: float) -> Interval:
    """Wilson's interval of a share; without trials all of [0, 1], for nothing is known."""
    return Interval(*wilson(successes, n, level)) if n else Interval(0.0, 1.0)


def mean_of_proportions_interval(
    successes_C: NDArray[np.int64], n_C: NDArray[np.int64], level: float
) -> Interval:
    """Interval of the unweighted mean of independent proportions, each with n of 1 or more.

    The distances of each proportion from its Wilson bounds are added in quadrature, so that the
    interval keeps a width even when every proportion is 0 or 1.

    Source: Zou & Donner 2008 (MOVER), https://doi.org/10.1002/sim.3095
    """
    p_C = successes_C / n_C
    bounds_C2 = np.array(
        [wilson(int(k), int(n), level) for k, n in zip(successes_C, n_C, strict=True)]
    )
    down, up = np.linalg.norm(bounds_C2 - p_C[:, None], axis=0) / len(p_C)
    mean = p_C.mean()
    return Interval(float(max(mean - down, 0.0)), float(min(mean + up, 1.0)))


def resampled_means(columns_NK: NDArray[Any], resamples: int, seed: int) -> NDArray[np.float64]:
    """Means of K per-image columns over images drawn with replacement.

    One weight matrix, how often each image was drawn, multiplies all columns at once, so that
    every metric made from them sees the same draws.

    Args:
        columns_NK: Shape (N, K).
        resamples: Draws of N images.
        seed: Seed of the draws.

    Returns:
        Shape (resamples, K).
    """
    n = len(columns_NK)
    columns = np.asarray(columns_NK, dtype=np.float32)
    sums = [_counts(draws, n).astype(np.float32) @ columns for draws in _draws(n, resamples, seed)]
    return np.concatenate(sums).astype(np.float64) / n


def resampled_counts(
    categories_N: NDArray[np.int64], size: int, resamples: int, seed: int
) -> NDArray[np.int64]:
    """How often each category occurs in each resample; the same draws as `resampled_means`.

    Returns:
        Shape (resamples, size).
    """
    blocks = [
        _counts(categories_N[draws], size) for draws in _draws(len(categories_N), resamples, seed)
    ]
    return np.concatenate(blocks)


def percentile_interval(values_R: NDArray[np.float64], level: float) -> Interval:
    """The middle share `level` of the resampled values.

    Source: Efron & Tibshirani 1993, ch. 13.
    """
    tail = (1 - level) / 2
    low, high = np.quantile(values_R, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _draws(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK_ENTRIES // n)
    for start in range(0, resamples, block):
        yield rng.integers(0, n, size=(min(block, resamples - start), n))


def _counts(drawn_RN: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    rows = len(drawn_RN)
    flat = drawn_RN + size * np.arange(rows)[:, None]
    return np.bincount(flat.ravel(), minlength=rows * size).reshape(rows, size)
