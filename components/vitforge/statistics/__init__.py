"""Intervals and resampling, shared by every step that reports a number."""

from vitforge.statistics.bootstrap import Columns, Dense, Draws, Grouped, column_means
from vitforge.statistics.intervals import (
    Estimate,
    Interval,
    biased_interval,
    difference,
    mean_of_proportions_interval,
    percentile_interval,
    proportion_interval,
)
from vitforge.statistics.proportions import wilson

__all__ = [
    "Columns",
    "Dense",
    "Draws",
    "Estimate",
    "Grouped",
    "Interval",
    "biased_interval",
    "column_means",
    "difference",
    "mean_of_proportions_interval",
    "percentile_interval",
    "proportion_interval",
    "wilson",
]
