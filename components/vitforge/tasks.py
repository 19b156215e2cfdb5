"""What a model's outputs mean, by task: how many there are, and how they become probabilities.

Shapes: N images, K classes, O outputs. Training, evaluation, export and serving all ask here, so
that an answer is read in one way everywhere.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.config.data import Task

LABEL_THRESHOLD = 0.5
"""Probability from which on a label is called, where no threshold was fitted."""


def output_count(task: Task, classes: int) -> int:
    """Outputs of the head: K, for an ordinal task K - 1, for a regression 1."""
    if task == "regression":
        return 1
    return classes - 1 if task == "ordinal" else classes


def probabilities(task: Task, outputs_NO: NDArray[Any]) -> NDArray[np.float64]:
    """Outputs to probabilities.

    Args:
        task: `single_label`, `multi_label` or `ordinal`.
        outputs_NO: Raw outputs of the head.

    Returns:
        Shape (N, K): rows sum to 1, but for `multi_label`, where each entry is a label's own.
        An ordinal output k is the logit of P(y > k | y >= k) (CORN, arXiv:2111.08851).

    Raises:
        ValueError: for a regression, which has none.
    """
    outputs = outputs_NO.astype(np.float64)
    if task == "single_label":
        outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))
    if task == "multi_label":
        return _sigmoid(outputs)
    if task == "ordinal":
        above = np.cumprod(_sigmoid(outputs), axis=1)  # P(y > k)
        ends = np.ones((len(above), 1)), np.zeros((len(above), 1))
        return np.asarray(-np.diff(np.hstack([ends[0], above, ends[1]]), axis=1))
    raise ValueError("a regression has values, not probabilities")


def predicted_classes(task: Task, probabilities_NK: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class that is answered, shape (N,), of a single-label or ordinal task.

    Args:
        task: `single_label` answers the most probable class, the first of equals; `ordinal` the
            median: the highest class that is reached with a probability over 1/2.
        probabilities_NK: From `probabilities`.

    Raises:
        ValueError: for a task whose answer is not one class.
    """
    if task == "single_label":
        return np.asarray(probabilities_NK.argmax(axis=1), dtype=np.int64)
    if task == "ordinal":
        above_NO = 1 - np.cumsum(probabilities_NK[:, :-1], axis=1)
        return np.asarray((above_NO > 0.5).sum(axis=1), dtype=np.int64)
    raise ValueError(f"an answer of a {task} task is not one class")


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))
