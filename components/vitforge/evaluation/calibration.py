"""Whether confidence means what it says: calibration error, likelihood and Brier score."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need
from vitforge.evaluation.rows import NO_RESAMPLES, family_rows
from vitforge.metrics.class_metrics import (
    bin_of,
    classwise_gaps,
    expected_calibration_error,
)
from vitforge.metrics.family import mean_family
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import (
    Columns,
    Draws,
    Grouped,
    Interval,
    biased_interval,
    column_means,
    percentile_interval,
)

NEEDS: Need = "predictions"
TASKS = CLASS_TASKS

_BLOCK_ENTRIES = 8_000_000


def rows(context: Context) -> list[MetricRow]:
    """Calibration error, what chance alone gives, likelihood and Brier score."""
    config = context.config
    return calibration_rows(
        context.found,
        bins=config.ece_bins,
        level=config.confidence_level,
        draws=context.draws,
    )


class ReliabilityBin(NamedTuple):
    """The predictions whose confidence lies in (low, high]."""

    low: float
    high: float
    n: int
    confidence: float
    """Mean confidence; 0 when the bin is empty."""
    accuracy: float
    """Share of right predictions; 0 when the bin is empty."""


def reliability_bins(
    confidence_N: NDArray[np.float64], correct_N: NDArray[np.bool_], bins: int
) -> list[ReliabilityBin]:
    """The bins of the reliability diagram, from low confidence to high."""
    bin_N = bin_of(confidence_N, bins)
    n_B = np.bincount(bin_N, minlength=bins)
    confidence_B = np.bincount(bin_N, confidence_N, minlength=bins) / np.maximum(n_B, 1)
    accuracy_B = np.bincount(bin_N, correct_N, minlength=bins) / np.maximum(n_B, 1)
    return [
        ReliabilityBin(
            b / bins, (b + 1) / bins, int(n_B[b]), float(confidence_B[b]), float(accuracy_B[b])
        )
        for b in range(bins)
    ]


def ece_interval(
    confidence_N: NDArray[np.float64],
    correct_N: NDArray[np.bool_],
    *,
    bins: int,
    level: float,
    draws: Draws,
) -> Interval:
    """Interval of the true ECE; see `gap_interval`."""
    gaps = Grouped(bin_of(confidence_N, bins), bins, confidence_N - correct_N)
    return gap_interval((gaps,), level, draws)[1]


def gap_interval(gaps: Sequence[Columns], level: float, draws: Draws) -> tuple[float, Interval]:
    """Sum of the columns' absolute means, and an interval of its true value.

    See `biased_interval`: what is noise in each gap only ever adds to the sum.
    """
    value, resampled_R, noise_R = 0.0, np.zeros(draws.resamples), np.zeros(draws.resamples)
    for columns in gaps:
        means_K, means_RK = column_means(columns), draws.means(columns)
        value += float(np.abs(means_K).sum())
        resampled_R += np.abs(means_RK).sum(axis=1)
        noise_R += np.abs(means_RK - means_K).sum(axis=1)
    return value, biased_interval(value, resampled_R, noise_R, level)


def chance_ece(
    confidence_N: NDArray[np.float64], *, bins: int, resamples: int, seed: int
) -> NDArray[np.float64]:
    """ECE of a perfectly calibrated model with these confidences, by chance alone.

    Each prediction is made right with a probability of its own confidence.

    Returns:
        One ECE a resample, shape (resamples,).

    Source: Vaicenavicius et al. 2019 (consistency resampling), https://arxiv.org/abs/1902.06977
    """
    rng = np.random.default_rng(seed)
    n = len(confidence_N)
    ordered_N = np.sort(confidence_N)
    bin_N = bin_of(ordered_N, bins)
    starts = np.flatnonzero(np.r_[True, bin_N[1:] != bin_N[:-1]])
    values = []
    block = max(1, _BLOCK_ENTRIES // n)
    for done in range(0, resamples, block):
        chance_RN = rng.random((min(block, resamples - done), n), dtype=np.float32)
        gap_RN = ordered_N - (chance_RN < ordered_N)
        values.append(np.abs(np.add.reduceat(gap_RN, starts, axis=1)).sum(axis=1) / n)
    return np.concatenate(values)


def calibration_rows(
    found: Predictions, *, bins: int, level: float, draws: Draws
) -> list[MetricRow]:
    """Rows `ece`, `ece_null`, `ece_classwise`, `nll` (nats) and `brier` ([0, 2])."""
    resamples, seed = draws.resamples, draws.seed
    confidence, correct, n = found.confidence, found.correct, found.n
    ece = expected_calibration_error(confidence, correct, bins)
    if not resamples:
        values = {"ece": ece, "nll": found.nll.mean(), "brier": found.brier.mean()}
        return [
            MetricRow(name=k, value=float(v), n=n, note=NO_RESAMPLES) for k, v in values.items()
        ]
    low, high = ece_interval(confidence, correct, bins=bins, level=level, draws=draws)
    null_R = chance_ece(confidence, bins=bins, resamples=resamples, seed=seed)
    null = percentile_interval(null_R, level)
    return [
        MetricRow(
            name="ece",
            value=ece,
            low=low,
            high=high,
            n=n,
            note=f"{bins} bins (lo, hi]; bootstrap, {resamples} resamples, allowing for the bias",
        ),
        MetricRow(
            name="ece_null",
            value=float(null_R.mean()),
            low=null.low,
            high=null.high,
            n=n,
            note="what chance alone gives a perfectly calibrated model with these confidences",
        ),
        _classwise_row(found, bins, level, draws),
        *family_rows(mean_family({"nll": found.nll, "brier": found.brier}), draws, level),
    ]


def _classwise_row(found: Predictions, bins: int, level: float, draws: Draws) -> MetricRow:
    gaps = classwise_gaps(found.probabilities, found.labels, bins)
    value, (low, high) = gap_interval(gaps, level, draws)
    return MetricRow(
        name="ece_classwise",
        value=value,
        low=low,
        high=high,
        n=found.n,
        note=f"mean over classes of each one's own; bootstrap, {draws.resamples} resamples, "
        "allowing for the bias",
    )
