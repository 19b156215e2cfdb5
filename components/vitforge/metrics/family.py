"""Metrics that are functions of means over images: one point, any slice, any resample.

Because a resample only changes the weights of the means, a thousand resamples of every metric
cost a few matrix products, and two models on the same draws are compared in pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vitforge.statistics import Columns, Dense, Draws, column_means

Means = NDArray[np.float64]


class Resampled(Protocol):
    """Metrics that can be computed of all images, of a slice, and of resamples of either."""

    @property
    def names(self) -> tuple[str, ...]:
        """One a metric."""

    @property
    def whole_only(self) -> bool:
        """Whether it holds for all images together and for no slice of them."""

    def point(self, among: NDArray[np.bool_] | None = None) -> dict[str, float]:
        """The metrics themselves, of all images or of a slice."""

    def resampled(
        self, draws: Draws, among: NDArray[np.bool_] | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """The metrics of every resample, shape (R,) each."""


@dataclass(frozen=True)
class Family:
    """Metrics made of the same means."""

    names: tuple[str, ...]
    columns: tuple[Columns, ...]
    value: Callable[..., Sequence[Any]]
    """Takes the means of each of `columns`, shape (..., K); gives an array (...) a name."""
    whole_only: bool = False
    """Whether the columns hold for all images together and for no slice of them."""

    def point(self, among: NDArray[np.bool_] | None = None) -> dict[str, float]:
        """The metrics themselves, of all images or of a slice."""
        found = self.value(*(column_means(columns, among) for columns in self.columns))
        return {name: float(value) for name, value in zip(self.names, found, strict=True)}

    def resampled(
        self, draws: Draws, among: NDArray[np.bool_] | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """The metrics of every resample, shape (R,) each."""
        with np.errstate(invalid="ignore", divide="ignore"):
            found = self.value(*(draws.means(columns, among) for columns in self.columns))
        return {name: np.asarray(value) for name, value in zip(self.names, found, strict=True)}


def mean_family(columns: dict[str, NDArray[Any]]) -> Family:
    """Each metric the mean of one per-image column."""
    values = np.stack(list(columns.values()), axis=1).astype(np.float32)
    return Family(tuple(columns), (Dense(values),), lambda means: np.moveaxis(means, -1, 0))
