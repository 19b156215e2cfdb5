"""Metrics of Hugging Face `evaluate` that the config names, as rows."""

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need

NEEDS: Need = "predictions"
TASKS = CLASS_TASKS


def rows(context: Context) -> list[MetricRow]:
    """One row a number; `evaluate` takes seconds to import, and only where it is asked for."""
    if not context.config.extra_metrics:
        return []
    from vitforge.evaluation.hub_metrics import hub_rows

    return hub_rows(context.found, context.config.extra_metrics)
