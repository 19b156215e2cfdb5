"""How sure the model is, and how much of its work can be relied on."""

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need
from vitforge.evaluation.rows import WILSON, family_rows
from vitforge.metrics.family import mean_family
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws, proportion_interval

NEEDS: Need = "predictions"
TASKS = CLASS_TASKS


def rows(context: Context) -> list[MetricRow]:
    """How sure, and how much can be relied on."""
    config = context.config
    return confidence_rows(
        context.found,
        reliable=config.reliable_confidence,
        level=config.confidence_level,
        draws=context.draws,
    )


def confidence_rows(
    found: Predictions, *, reliable: float, level: float, draws: Draws
) -> list[MetricRow]:
    """Rows `confidence`, `entropy` (nats), `reliable_share` and `reliable_accuracy`.

    Args:
        found: The predictions.
        reliable: Confidence from which on a prediction is called reliable, (0, 1).
        level: Confidence level of the intervals.
        draws: The bootstrap's; without resamples the means have no interval.
    """
    kept = found.confidence >= reliable
    n_kept, right = int(kept.sum()), int((kept & found.correct).sum())
    share_low, share_high = proportion_interval(n_kept, found.n, level)
    low, high = proportion_interval(right, n_kept, level)
    means = {"confidence": found.confidence, "entropy": found.entropy}
    return [
        *family_rows(mean_family(means), draws, level),
        MetricRow(
            name="reliable_share",
            value=n_kept / found.n,
            low=share_low,
            high=share_high,
            n=found.n,
            note=f"{WILSON}; confidence of {reliable:g} or more",
        ),
        MetricRow(
            name="reliable_accuracy",
            value=right / max(n_kept, 1),
            low=low,
            high=high,
            n=n_kept,
            note=WILSON if n_kept else f"no prediction reaches a confidence of {reliable:g}",
        ),
    ]
