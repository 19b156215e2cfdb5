"""The bootstrap as one weight matrix: every metric, slice and rival sees the same draws.

Shapes: N images, R resamples, K columns.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

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
    """Mostly empty columns, never written out: entries that add to a column."""

    group: NDArray[np.int64]
    """Column of each entry, in [0, size); -1 adds to none."""
    size: int
    """Columns, K."""
    weight: NDArray[np.floating[Any]] | None = None
    """What an entry adds; None adds 1."""
    image: NDArray[np.int64] | None = None
    """Image of each entry; None has one entry an image, in order."""
    images: int = 0
    """N, where `image` is given."""

    def entries(
        self, among: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32] | None]:
        """Group, image and weight of the entries that add to a column, sorted by group."""
        image = np.arange(len(self.group)) if self.image is None else self.image
        taken = self.group >= 0 if among is None else (self.group >= 0) & among[image]
        order = np.flatnonzero(taken)
        order = order[np.argsort(self.group[order], kind="stable")]
        weight = None if self.weight is None else self.weight[order].astype(np.float32)
        return self.group[order], image[order], weight


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
        counts_NR = self.counts
        if isinstance(columns, Grouped):
            sums_KR = _grouped_sums(columns, among, counts_NR)
        elif among is None:
            sums_KR = _dense_sums(columns.values, counts_NR)
        else:
            sums_KR = _dense_sums(columns.values[among], counts_NR[among])
        drawn = self.n if among is None else counts_NR[among].sum(axis=0, dtype=np.int64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums_KR / drawn, dtype=np.float64).T


def column_means(columns: Columns, among: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Means of the columns over the images themselves, shape (K,)."""
    if isinstance(columns, Dense):
        values = columns.values if among is None else columns.values[among]
        return np.asarray(values.mean(axis=0, dtype=np.float64))
    group, _, weight = columns.entries(among)
    everyone = len(columns.group) if columns.image is None else columns.images
    total = everyone if among is None else int(among.sum())
    return np.bincount(group, weight, minlength=columns.size) / total


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
    group, image, weight = columns.entries(among)
    present, starts = np.unique(group, return_index=True)
    resamples = counts_NR.shape[1]
    sums_KR = np.zeros((columns.size, resamples))
    if not len(group):
        return sums_KR
    block = max(1, 4 * _BLOCK_ENTRIES // len(group))
    for start in range(0, resamples, block):
        drawn = slice(start, start + block)
        counts = counts_NR[image, drawn]
        sums_KR[present, drawn] = (
            np.add.reduceat(counts, starts, axis=0, dtype=np.int32)
            if weight is None
            else np.add.reduceat(counts * weight[:, None], starts, axis=0)
        )
    return sums_KR
