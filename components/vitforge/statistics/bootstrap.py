"""The bootstrap as one weight matrix: every metric, slice and rival sees the same draws.

Shapes: N images, R resamples, K columns.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_BLOCK_ENTRIES = 4_000_000
"""Entries of the weight matrix worked on at a time."""


@dataclass(frozen=True)
class Dense:
    """K values an image, shape (N, K)."""

    values: NDArray[np.float32]


@dataclass(frozen=True)
class Grouped:
    """One-hot columns, never written out: the group of each image, and what it adds there."""

    group: NDArray[np.int64]
    """Column of each image, in [0, size); -1 adds to none."""
    size: int
    """Columns, K."""
    weight: NDArray[np.float32] | None = None
    """What an image adds; None adds 1."""


Columns: TypeAlias = Dense | Grouped


class Draws:
    """N images drawn N times with replacement, R times over.

    Args:
        n: Images.
        resamples: R.
        seed: Seed of the draws.
    """

    def __init__(self, n: int, resamples: int, seed: int) -> None:
        self.n = n
        self.resamples = resamples
        self.seed = seed

    @cached_property
    def counts(self) -> NDArray[np.uint8]:
        """How often each image was drawn in each resample, shape (N, R); made at first use."""
        rng = np.random.default_rng(self.seed)
        counts_NR = np.empty((self.n, self.resamples), dtype=np.uint8)
        block = max(1, _BLOCK_ENTRIES // self.n)
        for start in range(0, self.resamples, block):
            rows = min(block, self.resamples - start)
            drawn = rng.integers(0, self.n, size=(rows, self.n), dtype=np.int32)
            drawn += self.n * np.arange(rows, dtype=np.int32)[:, None]
            counted = np.bincount(drawn.ravel(), minlength=rows * self.n)
            counts_NR[:, start : start + rows] = counted.reshape(rows, self.n).T
        return counts_NR

    def means(
        self, columns: Columns, among: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Means of the columns over the images drawn.

        Args:
            columns: What to average.
            among: Images of a slice, shape (N,); None takes all. The mean is over the drawn
                images of the slice, however many they are.

        Returns:
            Shape (R, K); NaN where a resample drew no image of the slice.
        """
        everyone = among is None
        counts_NR = self.counts if everyone else self.counts[among]
        sums_KR = (
            _dense_sums(columns.values if everyone else columns.values[among], counts_NR)
            if isinstance(columns, Dense)
            else _grouped_sums(columns, among, counts_NR)
        )
        total_R = self.n if everyone else counts_NR.sum(axis=0, dtype=np.int64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums_KR / total_R, dtype=np.float64).T


def column_means(columns: Columns, among: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Means of the columns over the images themselves, shape (K,)."""
    if isinstance(columns, Dense):
        values = columns.values if among is None else columns.values[among]
        return np.asarray(values.mean(axis=0, dtype=np.float64))
    taken = columns.group >= 0 if among is None else (columns.group >= 0) & among
    weight = None if columns.weight is None else columns.weight[taken]
    total = len(columns.group) if among is None else int(among.sum())
    return np.bincount(columns.group[taken], weight, minlength=columns.size) / total


def _dense_sums(
    values_NK: NDArray[np.float32], counts_NR: NDArray[np.uint8]
) -> NDArray[np.float64]:
    sums_KR = np.zeros((values_NK.shape[1], counts_NR.shape[1]))
    block = max(1, _BLOCK_ENTRIES // counts_NR.shape[1])
    for start in range(0, len(values_NK), block):
        rows = slice(start, start + block)
        sums_KR += values_NK[rows].T @ counts_NR[rows].astype(np.float32)
    return sums_KR


def _grouped_sums(
    columns: Grouped, among: NDArray[np.bool_] | None, counts_NR: NDArray[np.uint8]
) -> NDArray[np.float64]:
    group = columns.group if among is None else columns.group[among]
    order = np.argsort(group, kind="stable")
    order = order[np.searchsorted(group[order], 0) :]
    present, starts = np.unique(group[order], return_index=True)
    sums_KR = np.zeros((columns.size, counts_NR.shape[1]))
    if not len(order):
        return sums_KR
    if columns.weight is None:
        sums_KR[present] = np.add.reduceat(counts_NR[order], starts, axis=0, dtype=np.int32)
    else:
        weight = columns.weight if among is None else columns.weight[among]
        weighted_NR = counts_NR[order] * weight[order, None]
        sums_KR[present] = np.add.reduceat(weighted_NR, starts, axis=0)
    return sums_KR
