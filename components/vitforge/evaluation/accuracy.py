"""How often the model is right: overall, among the best five, and class by class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need
from vitforge.evaluation.rows import WILSON, family_rows
from vitforge.metrics.class_metrics import agreement
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import (
    Draws,
    mean_of_proportions_interval,
    proportion_interval,
)

NEEDS: Need = "predictions"
TASKS = CLASS_TASKS


def rows(context: Context) -> list[MetricRow]:
    """Accuracy overall, agreement, and every class."""
    found, level = context.found, context.config.confidence_level
    confusion = confusion_matrix(found.labels, found.predicted, found.classes)
    return [
        *accuracy_rows(found, level),
        *agreement_rows(found, level, context.draws),
        *class_rows(confusion, context.info.classes, level),
    ]


def confusion_matrix(
    labels_N: NDArray[np.int64], predicted_N: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Counts by true class (rows) and predicted class (columns), shape (classes, classes)."""
    pairs = labels_N * classes + predicted_N
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def accuracy_rows(found: Predictions, level: float) -> list[MetricRow]:
    """Rows `top1`, `top5` and `balanced_accuracy`."""
    right = int(found.correct.sum())
    top1 = proportion_interval(right, found.n, level)
    return [
        MetricRow(
            name="top1", value=right / found.n, low=top1.low, high=top1.high, n=found.n, note=WILSON
        ),
        _top5(found, level),
        _balanced_accuracy(found, level),
    ]


def _top5(found: Predictions, level: float) -> MetricRow:
    if found.classes <= 5:
        note = f"no interval: with {found.classes} classes every answer is among the best five"
        return MetricRow(name="top5", value=1.0, n=found.n, note=note)
    hits = int((found.rank < 5).sum())
    low, high = proportion_interval(hits, found.n, level)
    return MetricRow(name="top5", value=hits / found.n, low=low, high=high, n=found.n, note=WILSON)


def _balanced_accuracy(found: Predictions, level: float) -> MetricRow:
    """Mean of the classes' accuracies; classes without test images are left out."""
    confusion = confusion_matrix(found.labels, found.predicted, found.classes)
    support = confusion.sum(axis=1)
    tested = support > 0
    right, support = np.diag(confusion)[tested], support[tested]
    low, high = mean_of_proportions_interval(right, support, level)
    return MetricRow(
        name="balanced_accuracy",
        value=float((right / support).mean()),
        low=low,
        high=high,
        n=found.n,
        note="Wilson intervals of the classes, combined (MOVER)" + _untested(tested),
    )


def agreement_rows(found: Predictions, level: float, draws: Draws) -> list[MetricRow]:
    """Rows `macro_f1` (over classes with test images) and `mcc`, with bootstrap intervals."""
    family = agreement(found.labels, found.predicted, found.classes)
    tested = np.bincount(found.labels, minlength=found.classes) > 0
    without = "no interval: no mistake to resample" if found.correct.all() else ""
    return [
        row.model_copy(update={"note": row.note + _untested(tested)})
        for row in family_rows(family, draws, level, without=without)
        if row.name != "balanced_accuracy"  # which has a closed form
    ]


def class_rows(
    confusion_CC: NDArray[np.int64], classes: Sequence[str], level: float
) -> list[MetricRow]:
    """Rows `accuracy` (recall), `precision` and `f1` for every class.

    F1 = 2J / (1 + J) rises with the Jaccard share J = hits / (support + answers - hits), a
    proportion, so its bounds are those of J, carried over. A class without the images that a row
    needs has n = 0, and the interval [0, 1] says that nothing is known.
    """
    hits = np.diag(confusion_CC)
    support, answers = confusion_CC.sum(axis=1), confusion_CC.sum(axis=0)
    either = support + answers - hits
    bases = {
        "accuracy": (support, "no test image of this class"),
        "precision": (answers, "never predicted"),
        "f1": (either, "neither tested nor predicted"),
    }
    rows = []
    for name, (n_C, absent) in bases.items():
        for index, label in enumerate(classes):
            k, n = int(hits[index]), int(n_C[index])
            value, low, high = k / max(n, 1), *proportion_interval(k, n, level)
            note = WILSON if n else absent
            if name == "f1":
                value, low, high = (2 * share / (1 + share) for share in (value, low, high))
                note = f"{WILSON} of the Jaccard share" if n else absent
            rows.append(
                MetricRow(name=name, value=value, low=low, high=high, n=n, slice=label, note=note)
            )
    return rows


def _untested(tested_C: NDArray[np.bool_]) -> str:
    absent = int((~tested_C).sum())
    return f"; classes without test images, left out: {absent}" if absent else ""
