"""Which of several models is better, judged on the same images."""

from collections.abc import Mapping
from math import comb

from torch import Tensor

LEVEL = 0.05
"""Chance of calling equals different."""


def mcnemar(first_N: Tensor, second_N: Tensor) -> float:
    """Exact two-sided p-value that two models err equally often.

    Args:
        first_N: Which images the first model had right, bool.
        second_N: The same of the second.

    Returns:
        Chance of images on which only one is right being split this unevenly, (0, 1].

    Source: McNemar 1947, https://doi.org/10.1007/BF02295996
    """
    only_first = int((first_N & ~second_N).sum())
    only_second = int((~first_N & second_N).sum())
    n, fewer = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(comb(n, k) for k in range(fewer + 1)) / float(2**n))


def ties_of_best(correct: Mapping[str, Tensor]) -> tuple[str, tuple[str, ...]]:
    """The most accurate model, and all that cannot be told from it.

    Args:
        correct: For each model, which of the same images it had right, bool.

    Returns:
        Its name, and the names of all that tie with it, itself among them.
    """
    best = max(correct, key=lambda name: int(correct[name].sum()))
    tied = (name for name in correct if mcnemar(correct[best], correct[name]) >= LEVEL)
    return best, tuple(tied)
