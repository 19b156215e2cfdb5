"""Rows of metrics that are resampled."""

from vitforge.artifacts import MetricRow
from vitforge.metrics.family import Resampled
from vitforge.statistics import Draws, percentile_interval

WILSON = "Wilson score interval"
NO_RESAMPLES = "no interval: evaluation.bootstrap is 0"


def family_rows(
    family: Resampled, draws: Draws, level: float, *, without: str = ""
) -> list[MetricRow]:
    """One row a metric, with its bootstrap percentile interval.

    Args:
        family: The metrics.
        draws: The bootstrap's draws.
        level: Confidence level of the intervals.
        without: Why there is no interval; empty where there is one.
    """
    without = without if draws.resamples else NO_RESAMPLES
    resampled = {} if without else family.resampled(draws)
    rows = []
    for name, value in family.point().items():
        low, high = percentile_interval(resampled[name], level) if resampled else (None, None)
        note = without or f"bootstrap percentile, {draws.resamples} resamples"
        rows.append(MetricRow(name=name, value=value, low=low, high=high, n=draws.n, note=note))
    return rows
