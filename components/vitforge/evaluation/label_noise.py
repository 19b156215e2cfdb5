"""Test labels that are probably wrong, for a person to look at."""

import json

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.mistakes import described
from vitforge.evaluation.rows import WILSON
from vitforge.metrics.label_noise import label_errors
from vitforge.statistics import proportion_interval

NEEDS: Need = "predictions"
TASKS: tuple[Task, ...] = ("single_label",)
FILE = "label_noise.json"


def rows(context: Context) -> list[MetricRow]:
    """Row `label_noise`: the share of candidates; the file names them, the surest first."""
    found = context.found
    wrong = label_errors(found.probabilities, found.labels)
    told = [described(context, int(i)) for i in wrong]
    evidence = context.keep(FILE, json.dumps(told, indent=2).encode() + b"\n")
    low, high = proportion_interval(len(wrong), found.n, context.config.confidence_level)
    return [
        MetricRow(
            name="label_noise",
            value=len(wrong) / found.n,
            low=low,
            high=high,
            n=found.n,
            note=f"{WILSON}; candidates by confident learning, not proven errors",
            evidence=evidence,
        )
    ]
