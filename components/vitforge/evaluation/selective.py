"""What is gained by answering only when sure."""

import numpy as np

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need
from vitforge.evaluation.rows import WILSON, family_rows
from vitforge.metrics.selective import SelectiveRisk, risk_coverage
from vitforge.statistics import proportion_interval

NEEDS: Need = "predictions"
TASKS = CLASS_TASKS


def rows(context: Context) -> list[MetricRow]:
    """Rows `aurc`, and `accuracy_at_coverage` for 0.5 to 0.95 of the images."""
    found, level = context.found, context.config.confidence_level
    without = "no interval: no mistake to resample" if found.correct.all() else ""
    told = family_rows(
        SelectiveRisk(found.confidence, found.correct), context.draws, level, without=without
    )
    curve = risk_coverage(found.confidence, found.correct)
    for coverage in (0.5, 0.8, 0.9, 0.95):
        kept = max(1, int(np.floor(coverage * found.n)))
        right = round((1 - float(curve.risk[kept - 1])) * kept)
        low, high = proportion_interval(right, kept, level)
        told.append(
            MetricRow(
                name="accuracy_at_coverage",
                value=right / kept,
                low=low,
                high=high,
                n=kept,
                slice=f"surest {coverage:.0%}",
                note=f"{WILSON}; confidence of {curve.threshold[kept - 1]:.3f} or more",
            )
        )
    return told
