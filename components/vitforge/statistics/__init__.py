"""Intervals and resampling, shared by every step that reports a number."""

from vitforge.statistics.bootstrap import Dense, Draws, Grouped
from vitforge.statistics.intervals import (
    Interval,
    mean_of_proportions_interval,
    percentile_interval,
    proportion_interval,
)
from vitforge.statistics.proportions import wilson

__all__ = [
    "Dense",
    "Draws",
    "Grouped",
    "Interval",
    "mean_of_proportions_interval",
    "percentile_interval",
    "proportion_interval",
    "wilson",
]
