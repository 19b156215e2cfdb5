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


def biased_interval(
    value: float, resampled_R: NDArray[np.float64], noise_R: NDArray[np.float64], level: float
) -> Interval:
    """Interval of a sum of absolute values (or a range), whose estimate lies too high on average.

    By the triangle inequality the estimate exceeds the truth by at most the noise of its parts,
    whose upper quantile is taken off for the lower bound: what remains is no work of chance. By
    Jensen's inequality the estimate is on average not below the truth, so the upper bound adds
    only how far an estimate falls below its own mean.

    Args:
        value: The estimate, such as sum |g|.
        resampled_R: The same of each resample, sum |g*|.
        noise_R: The parts' distances from the estimate's, sum |g* - g|.
        level: Confidence level, (0, 1).

    Returns:
        Bounds within [0, 1].
    """
    tail = (1 - level) / 2
    low = value - np.quantile(noise_R, 1 - tail)
    fall = resampled_R.mean() - np.quantile(resampled_R, tail)
    return Interval(float(max(low, 0.0)), float(min(value + fall, 1.0)))


class Estimate(NamedTuple):
    """A number with its interval."""

    value: float
    low: float
    high: float


def difference(one: Estimate, other: Estimate) -> Estimate:
    """One less the other, of independent estimates; of proportions, Newcombe's interval.

    Source: Newcombe 1998, method 10, https://pubmed.ncbi.nlm.nih.gov/9595617/ (Wilson's bounds
    combined); Zou & Donner 2008 (MOVER), for any estimates
    """
    value = one.value - other.value
    down = np.hypot(one.value - one.low, other.high - other.value)
    up = np.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, float(value - down), float(value + up))
