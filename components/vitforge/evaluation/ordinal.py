"""How far off an ordinal answer is, and agreement that counts the distance."""

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.rows import family_rows
from vitforge.metrics.ordinal import ordinal_families

NEEDS: Need = "predictions"
TASKS: tuple[Task, ...] = ("ordinal",)


def rows(context: Context) -> list[MetricRow]:
    """Rows `class_mae`, in classes, and `qwk`."""
    found, level = context.found, context.config.confidence_level
    without = "no interval: no mistake to resample" if found.correct.all() else ""
    return [
        row
        for family in ordinal_families(found)
        for row in family_rows(family, context.draws, level, without=without)
    ]
