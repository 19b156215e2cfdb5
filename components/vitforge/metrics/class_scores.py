"""What each answer of a class task is worth: rank, confidence, likelihood, Brier, entropy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitforge.config.data import Task
from vitforge.tasks import probabilities

_BLOCK = 4096


class ClassScores(NamedTuple):
    """One entry an image."""

    predicted: NDArray[np.int64]
    """Predicted class."""
    rank: NDArray[np.int64]
    """Classes placed before the true one."""
    confidence: NDArray[np.float64]
    """Probability of the predicted class, (0, 1]."""
    nll: NDArray[np.float64]
    """Negative log-probability of the true class, nats."""
    brier: NDArray[np.float64]
    """Squared distance of the probabilities from the one-hot truth, [0, 2]."""
    entropy: NDArray[np.float64]
    """Entropy of the probabilities, nats."""


def score_classes(
    logits_NO: NDArray[np.float32], labels_N: NDArray[np.int64], task: Task
) -> ClassScores:
    """Compute every column, a block of rows at a time so that memory stays small.

    Raises:
        ValueError: for a task whose answer is not one class.
    """
    if task not in ("single_label", "ordinal"):
        raise ValueError(f"an answer of a {task} task is not one class")
    score = _single_label if task == "single_label" else _ordinal
    blocks = [
        score(logits_NO[start : start + _BLOCK], labels_N[start : start + _BLOCK])
        for start in range(0, len(labels_N), _BLOCK)
    ]
    return ClassScores(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def _single_label(logits_NK: NDArray[np.float32], labels_N: NDArray[np.int64]) -> ClassScores:
    rows = np.arange(len(labels_N))
    true_N1 = logits_NK[rows, labels_N][:, None]
    earlier_NK = np.arange(logits_NK.shape[1]) < labels_N[:, None]
    rank_N = (logits_NK > true_N1).sum(axis=1) + ((logits_NK == true_N1) & earlier_NK).sum(axis=1)
    logp_NK = logits_NK.astype(np.float64)
    logp_NK -= logp_NK.max(axis=1, keepdims=True)
    logp_NK -= np.log(np.exp(logp_NK).sum(axis=1, keepdims=True))
    return _scores(logits_NK.argmax(axis=1), rank_N, logp_NK, labels_N)


def _ordinal(outputs_NO: NDArray[np.float32], labels_N: NDArray[np.int64]) -> ClassScores:
    """The answer is the median: the highest class that is reached with a probability over 1/2."""
    p_NK = probabilities("ordinal", outputs_NO)
    above_NO = 1 - np.cumsum(p_NK[:, :-1], axis=1)
    predicted_N = (above_NO > 0.5).sum(axis=1)
    distance_NK = np.abs(np.arange(p_NK.shape[1]) - predicted_N[:, None])
    true_N1 = distance_NK[np.arange(len(labels_N)), labels_N][:, None]
    rank_N = (distance_NK < true_N1).sum(axis=1)
    logp_NK = np.log(np.maximum(p_NK, np.finfo(np.float64).tiny))
    return _scores(predicted_N, rank_N, logp_NK, labels_N)


def _scores(
    predicted_N: NDArray[np.int64],
    rank_N: NDArray[np.int64],
    logp_NK: NDArray[np.float64],
    labels_N: NDArray[np.int64],
) -> ClassScores:
    rows = np.arange(len(labels_N))
    p_NK = np.exp(logp_NK)
    return ClassScores(
        predicted=predicted_N.astype(np.int64),
        rank=rank_N.astype(np.int64),
        confidence=p_NK[rows, predicted_N],
        nll=-logp_NK[rows, labels_N],
        brier=(p_NK**2).sum(axis=1) - 2 * p_NK[rows, labels_N] + 1,
        entropy=-(p_NK * logp_NK).sum(axis=1),
    )
