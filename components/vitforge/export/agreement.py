"""What the outputs of a task are held against: right answers, changed answers, one score.

Shapes: N images, O outputs, A answers an image (a class; or one a label).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.metrics.multi_label import auroc, over_labels
from vitforge.statistics import wilson
from vitforge.tasks import LABEL_THRESHOLD, predicted_classes, probabilities


def answers(task: Task, outputs_NO: NDArray[np.float32]) -> NDArray[np.int64]:
    """What is answered, shape (N, A): the class; of a multi-label task 1 for each called label.

    A regression answers no class: shape (N, 0).
    """
    if task == "regression":
        return np.empty((len(outputs_NO), 0), dtype=np.int64)
    shares_NK = probabilities(task, outputs_NO)
    if task == "multi_label":
        return (shares_NK >= LABEL_THRESHOLD).astype(np.int64)
    return predicted_classes(task, shares_NK)[:, None]


def right_answers(
    task: Task, outputs_NO: NDArray[np.float32], labels: NDArray[Any]
) -> NDArray[np.bool_]:
    """Which answers are right, shape (N, A); one to an unknown label never is."""
    if task == "multi_label":
        known = ~np.isnan(labels)
        return np.asarray(known & (answers(task, outputs_NO) == (labels >= LABEL_THRESHOLD)))
    return np.asarray(answers(task, outputs_NO) == labels[:, None])


def score_row(task: Task, outputs_NO: NDArray[np.float32], labels: NDArray[Any]) -> MetricRow:
    """The number that a variant must not lose: top-1, the labels' mean AUROC, or R².

    AUROC, and not accuracy: of a rare label a model that never calls it is right nearly always.

    Returns:
        NaN where it is not defined: a label without both kinds of images, a constant target.
    """
    n = len(labels)
    if task == "multi_label":
        ranked = over_labels(auroc, outputs_NO, labels)
        value = float("nan") if ranked is None else ranked.value
        return MetricRow(name="auroc", value=value, n=n, note="mean over the labels")
    if task == "regression":
        truth = labels.astype(np.float64)
        squares = ((outputs_NO[:, 0] - truth) ** 2).sum()
        total = ((truth - truth.mean()) ** 2).sum()
        value = float(1 - squares / total) if total > 0 else float("nan")
        return MetricRow(name="r2", value=value, n=n)
    right = int(right_answers(task, outputs_NO, labels).sum())
    low, high = wilson(right, n)
    return MetricRow(name="top1", value=right / n, low=low, high=high, n=n, note="Wilson, 95 %")


def unit_of(task: Task, labels: NDArray[Any]) -> float:
    """What a difference of outputs is told in: 1, and of a regression one standard deviation of
    the targets, so that the same limit holds for grams and for tonnes."""
    if task != "regression":
        return 1.0
    return float(labels.astype(np.float64).std()) or 1.0
