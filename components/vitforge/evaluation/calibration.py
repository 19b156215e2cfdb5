"""Whether confidence means what it says: calibration error, likelihood and Brier score."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.evaluation.accuracy import NO_RESAMPLES
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Dense, Draws, Interval, percentile_interval

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


def expected_calibration_error(
    confidence_N: NDArray[np.float64], correct_N: NDArray[np.bool_], bins: int = 15
) -> float:
    """Average gap between confidence and accuracy over equal-width bins (lo, hi] of (0, 1].

    Args:
        confidence_N: Probability of the predicted class, (0, 1].
        correct_N: Whether the prediction is right.
        bins: Bins of equal width.

    Returns:
        ECE as a fraction, [0, 1]; lower is better. It is biased upwards: see `chance_ece`.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599
    """
    gaps_B = np.bincount(_bin_of(confidence_N, bins), confidence_N - correct_N, minlength=bins)
    return float(np.abs(gaps_B).sum() / len(confidence_N))


def reliability_bins(
    confidence_N: NDArray[np.float64], correct_N: NDArray[np.bool_], bins: int
) -> list[ReliabilityBin]:
    """The bins of the reliability diagram, from low confidence to high."""
    bin_N = _bin_of(confidence_N, bins)
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
    """Interval of the true ECE that allows for the estimate's upward bias.

    Let g be the bins' signed gaps, ECE = sum |g|, and g* their bootstrap. By the triangle
    inequality the estimate exceeds the truth by at most sum |g* - g|, whose upper quantile is
    taken off for the lower bound: what remains is no work of chance. By Jensen's inequality the
    estimate is on average not below the truth, so the upper bound adds only how far an estimate
    falls below its own mean.
    """
    gaps_NB = np.zeros((len(confidence_N), bins))
    rows = np.arange(len(confidence_N))
    gaps_NB[rows, _bin_of(confidence_N, bins)] = confidence_N - correct_N
    gaps_B = gaps_NB.mean(axis=0)
    resampled_RB = draws.means(Dense(gaps_NB.astype(np.float32)))
    value = np.abs(gaps_B).sum()
    tail = (1 - level) / 2
    noise = np.quantile(np.abs(resampled_RB - gaps_B).sum(axis=1), 1 - tail)
    resampled_R = np.abs(resampled_RB).sum(axis=1)
    fall = resampled_R.mean() - np.quantile(resampled_R, tail)
    return Interval(float(max(value - noise, 0.0)), float(min(value + fall, 1.0)))


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
    bin_N = _bin_of(ordered_N, bins)
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
    """Rows `ece`, `ece_null`, `nll` (nats) and `brier` ([0, 2])."""
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
        *mean_rows({"nll": found.nll, "brier": found.brier}, level, draws),
    ]


def mean_rows(
    columns: dict[str, NDArray[np.float64]], level: float, draws: Draws
) -> list[MetricRow]:
    """One row a per-image column: its mean, with a bootstrap interval."""
    values = np.stack(list(columns.values()), axis=1)
    resamples = draws.resamples
    means = draws.means(Dense(values.astype(np.float32))) if resamples else None
    note = f"bootstrap percentile, {resamples} resamples" if resamples else NO_RESAMPLES
    rows = []
    for index, (name, column) in enumerate(columns.items()):
        low, high = (None, None) if means is None else percentile_interval(means[:, index], level)
        rows.append(
            MetricRow(
                name=name, value=float(column.mean()), low=low, high=high, n=len(column), note=note
            )
        )
    return rows


def _bin_of(confidence_N: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Index of the bin (lo, hi] that holds each confidence; 0 falls into the first."""
    # Against the edges themselves: ceil(x * bins) would put 0.6 of 5 bins wrongly by rounding.
    edges = np.linspace(0.0, 1.0, bins + 1)
    return np.clip(np.searchsorted(edges, confidence_N, side="left") - 1, 0, bins - 1)
