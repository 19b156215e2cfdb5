"""How far a regression's values lie from the truth."""

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.rows import family_rows
from vitforge.metrics.regression import regression_families

NEEDS: Need = "predictions"
TASKS: tuple[Task, ...] = ("regression",)


def rows(context: Context) -> list[MetricRow]:
    """Rows `mae`, `rmse` (both in the label's unit) and `r2`."""
    level = context.config.confidence_level
    return [
        row
        for family in regression_families(context.found)
        for row in family_rows(family, context.draws, level)
    ]
