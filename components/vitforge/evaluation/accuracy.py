"""How often the model is right: overall, among the best five, and class by class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import (
    Draws,
    Grouped,
    Interval,
    mean_of_proportions_interval,
    percentile_interval,
    proportion_interval,
)

NEEDS: Need = "predictions"
TASKS = CLASS_TASKS

WILSON = "Wilson score interval"
NO_RESAMPLES = "no interval: evaluation.bootstrap is 0"


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
    labels, predicted, size = found.labels, found.predicted, found.classes
    confusion = confusion_matrix(labels, predicted, size)
    tested = confusion.sum(axis=1) > 0
    hits, support, answers = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    values = {
        "macro_f1": float(macro_f1(hits, support, answers, tested)),
        "mcc": float(matthews_correlation(hits, support, answers)),
    }
    resamples = draws.resamples
    resampled: dict[str, NDArray[np.float64]] = {}
    if resamples and not found.correct.all():
        hits_RC = draws.means(Grouped(np.where(found.correct, labels, -1), size)) * found.n
        support_RC = draws.means(Grouped(labels, size)) * found.n
        answers_RC = draws.means(Grouped(predicted, size)) * found.n
        resampled = {
            "macro_f1": macro_f1(hits_RC, support_RC, answers_RC, tested),
            "mcc": matthews_correlation(hits_RC, support_RC, answers_RC),
        }
    absent = NO_RESAMPLES if not resamples else "no interval: no mistake to resample"
    rows = []
    for name, value in values.items():
        spread = percentile_interval(resampled[name], level) if name in resampled else None
        note = f"bootstrap percentile, {resamples} resamples" if spread else absent
        rows.append(_row(name, value, spread, found.n, note + _untested(tested)))
    return rows


def macro_f1(
    hits: NDArray[Any],
    support: NDArray[Any],
    answers: NDArray[Any],
    tested_C: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Unweighted mean of F1 = 2 hits / (support + answers), over the tested classes.

    Args:
        hits: Right answers of each class, shape (..., C).
        support: Images of each class, shape (..., C).
        answers: Predictions of each class, shape (..., C).
        tested_C: Classes to average over.

    Returns:
        Shape (...), in [0, 1].
    """
    total = (support + answers)[..., tested_C]
    f1: NDArray[np.float64] = 2 * hits[..., tested_C] / np.maximum(total, 1)
    return np.asarray(f1.mean(axis=-1))


def matthews_correlation(
    hits: NDArray[Any], support: NDArray[Any], answers: NDArray[Any]
) -> NDArray[np.float64]:
    """Matthews correlation for any number of classes; 0 where it is undefined.

    Args:
        hits: Right answers of each class, shape (..., C).
        support: Images of each class, shape (..., C).
        answers: Predictions of each class, shape (..., C).

    Returns:
        Shape (...), in [-1, 1].

    Source: Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006
    """
    t, p = support.astype(np.float64), answers.astype(np.float64)
    n = t.sum(axis=-1)
    covariance = hits.sum(axis=-1) * n - (t * p).sum(axis=-1)
    spread = np.sqrt((n**2 - (p**2).sum(axis=-1)) * (n**2 - (t**2).sum(axis=-1)))
    return np.asarray(covariance / np.where(spread == 0, 1, spread))


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


def _row(name: str, value: float, interval: Interval | None, n: int, note: str) -> MetricRow:
    low, high = interval or (None, None)
    return MetricRow(name=name, value=value, low=low, high=high, n=n, note=note)


def _untested(tested_C: NDArray[np.bool_]) -> str:
    absent = int((~tested_C).sum())
    return f"; classes without test images, left out: {absent}" if absent else ""
