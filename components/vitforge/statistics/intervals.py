"""Confidence intervals of proportions, of their mean, and of resampled values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitforge.statistics.proportions import wilson


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


def percentile_interval(values_R: NDArray[np.float64], level: float) -> Interval:
    """The middle share `level` of the resampled values.

    Source: Efron & Tibshirani 1993, ch. 13.
    """
    tail = (1 - level) / 2
    low, high = np.quantile(values_R, [tail, 1 - tail])
    return Interval(float(low), float(high))
