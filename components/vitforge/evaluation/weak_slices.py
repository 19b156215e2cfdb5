"""Groups of look-alike images that nobody declared and the model is weak on."""

import json

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need
from vitforge.evaluation.mistakes import described
from vitforge.evaluation.rows import WILSON
from vitforge.metrics.weak_slices import MIN_IMAGES, MIN_MISTAKES, weak_slices
from vitforge.statistics import proportion_interval

NEEDS: Need = "predictions"
TASKS = CLASS_TASKS
FILE = "weak_slices.json"
KEPT, EXAMPLES = 5, 24


def rows(context: Context) -> list[MetricRow]:
    """Row `weak_slice`: accuracy of each of the weakest regions of feature space, on images that
    played no part in finding it; `weakest_slice` is the worst of them."""
    found = context.found
    if found.features is None:
        return []
    slices = weak_slices(found.features, ~found.correct, context.seed)[:KEPT]
    if not slices:
        note = (
            f"no interval: looked for from {MIN_IMAGES} images and {MIN_MISTAKES} mistakes on; "
            f"here {found.n} and {int((~found.correct).sum())}, or none was weaker than the rest"
        )
        return [MetricRow(name="weakest_slice", value=0, n=0, note=note)]
    told = [
        {
            "slice": f"region {rank}",
            "n": len(weak.members),
            "wrong": weak.wrong,
            "examples": [described(context, int(i)) for i in weak.members if not found.correct[i]][
                :EXAMPLES
            ],
        }
        for rank, weak in enumerate(slices, 1)
    ]
    evidence = context.keep(FILE, json.dumps(told, indent=2).encode() + b"\n")
    rows = []
    for rank, weak in enumerate(slices, 1):
        n, right = len(weak.members), len(weak.members) - weak.wrong
        low, high = proportion_interval(right, n, context.config.confidence_level)
        rows.append(
            MetricRow(
                name="weak_slice",
                value=right / n,
                low=low,
                high=high,
                n=n,
                slice=f"region {rank}",
                note=f"{WILSON}; accuracy on the half of the images that did not find it",
                evidence=evidence,
            )
        )
    return [rows[0].model_copy(update={"name": "weakest_slice", "slice": "all"}), *rows]
