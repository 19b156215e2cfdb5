"""Two models on the same images: how much better, and could it be chance."""

from math import comb
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_HALVINGS = 50


def mcnemar_p(gained: int, lost: int) -> float:
    """Exact two-sided p-value that images changed sides at random.

    Args:
        gained: Images wrong before and right now.
        lost: Images right before and wrong now.

    Returns:
        Probability of a split at least this uneven, (0, 1]; 1 when no image changed.

    Source: McNemar 1947, https://doi.org/10.1007/BF02295996
    """
    changed, fewer = gained + lost, min(gained, lost)
    if gained == lost:
        return 1.0
    tail = sum(comb(changed, k) for k in range(fewer + 1))
    return float(min(1.0, 2 * tail / 2**changed))


def difference_interval(
    gained: ArrayLike, lost: ArrayLike, n: int, level: float = 0.95
) -> tuple[Any, Any]:
    """Score interval of a difference of paired proportions, (gained - lost) / n.

    Unlike the usual normal interval it keeps a width when no image changed, and holds its level
    with few changes.

    Args:
        gained: Images that only the first model has right; a count, or an array of counts.
        lost: Images that only the second has right.
        n: Images, 1 or more.
        level: Confidence level, (0, 1).

    Returns:
        Lower and upper bound, [-1, 1], of the counts' shape.

    Source: Tango 1998, https://pubmed.ncbi.nlm.nih.gov/9595618/
    """
    b, c = np.broadcast_arrays(np.asarray(gained, np.float64), np.asarray(lost, np.float64))
    z = NormalDist().inv_cdf((1 + level) / 2)
    value = (b - c) / n
    return _solve(b, c, n, z, value, -1.0), _solve(b, c, n, -z, value, 1.0)


def _solve(
    b: NDArray[np.float64],
    c: NDArray[np.float64],
    n: int,
    z: float,
    start: NDArray[np.float64],
    end: float,
) -> Any:
    """The difference between `start` and `end` whose score is `z`, by bisection."""
    inside, outside = start.astype(np.float64), np.full_like(start, end)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        holds = np.abs(_score(b, c, n, middle)) <= abs(z)
        inside = np.where(holds, middle, inside)
        outside = np.where(holds, outside, middle)
    return inside if inside.ndim else float(inside)


def _score(
    b: NDArray[np.float64], c: NDArray[np.float64], n: int, delta: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Tango's score statistic of the hypothesis that the true difference is `delta`."""
    linear = -b - c + (2 * n - b + c) * delta
    constant = -c * delta * (1 - delta)
    root = np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0.0))
    q = (root - linear) / (4 * n)
    variance = n * (2 * q + delta * (1 - delta))
    gap = b - c - n * delta
    return np.asarray(gap / np.sqrt(np.maximum(variance, 1e-300)))
