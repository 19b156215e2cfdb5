"""Metrics of independent labels: ranking, and answers at a threshold.

A label that is NaN for an image is unknown there, and that image counts for nothing in it.
AUROC and AUPRC are no functions of means; what one image changes of them is, to first order, so
their resamples are means of that influence.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitforge.metrics.family import Family, Means
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Dense


class Ranking(NamedTuple):
    """A ranking metric of one label."""

    value: float
    influence: NDArray[np.float64]
    """What each image adds, mean zero: the metric's variance is that of this column's mean."""


def multi_label_families(found: Predictions) -> list[Family]:
    """Means over labels: `auroc`, `auprc`, and at a probability of 0.5 `f1`, `sensitivity`,
    `specificity` and `exact_match`; `nll` and `brier` over known labels."""
    probabilities, truth = found.probabilities, found.labels.astype(np.float64)
    known = ~np.isnan(truth)
    positive, called = known & (truth >= 0.5), known & (probabilities >= 0.5)
    y = np.where(known, truth, 0.0)
    p = np.clip(probabilities, 1e-12, 1 - 1e-12)
    loss = np.where(known, -(y * np.log(p) + (1 - y) * np.log1p(-p)), 0.0).sum(axis=1)
    square = np.where(known, (p - y) ** 2, 0.0).sum(axis=1)
    exact = ((positive == called) | ~known).all(axis=1)
    whole = np.stack([loss, square, known.sum(axis=1), exact], axis=1)
    counts = [called & positive, positive, called, known]
    families = [
        Family(
            ("nll", "brier", "exact_match"),
            (Dense(whole.astype(np.float32)),),
            lambda m: [m[..., 0] / m[..., 2], m[..., 1] / m[..., 2], m[..., 3]],
        ),
        Family(
            ("sensitivity", "specificity", "f1"),
            tuple(Dense(c.astype(np.float32)) for c in counts),
            _at_threshold,
        ),
    ]
    return families + _ranking_families(found)


def _at_threshold(
    hits: Means, positive: Means, called: Means, known: Means
) -> list[NDArray[np.float64]]:
    negative, false_alarms = known - positive, called - hits
    sensitivity = hits / np.where(positive > 0, positive, np.nan)
    specificity = 1 - false_alarms / np.where(negative > 0, negative, np.nan)
    total = positive + called
    f1 = 2 * hits / np.where((positive > 0) & (total > 0), total, np.nan)
    return [_mean(sensitivity), _mean(specificity), _mean(f1)]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the labels where it is defined."""
    defined = ~np.isnan(values)
    total = np.where(defined, values, 0.0).sum(axis=-1)
    return np.asarray(total / np.maximum(defined.sum(axis=-1), 1))


def _ranking_families(found: Predictions) -> list[Family]:
    families = []
    for name, rank in (("auroc", auroc), ("auprc", average_precision)):
        ranked = over_labels(rank, found.logits, found.labels)
        if ranked is not None:
            column = (ranked.value + ranked.influence)[:, None].astype(np.float32)
            families.append(
                Family((name,), (Dense(column),), lambda means: [means[..., 0]], whole_only=True)
            )
    return families


def over_labels(
    rank: Callable[[NDArray[np.float32], NDArray[np.float32]], Ranking],
    scores_NK: NDArray[np.float32],
    labels_NK: NDArray[np.float32],
) -> Ranking | None:
    """Mean of a ranking metric over the labels that have images with and without them."""
    ranked = [
        rank(scores_NK[:, k], labels_NK[:, k])
        for k in range(labels_NK.shape[1])
        if both_known(labels_NK[:, k])
    ]
    if not ranked:
        return None
    value = float(np.mean([r.value for r in ranked]))
    return Ranking(value, np.mean([r.influence for r in ranked], axis=0))


def both_known(labels_N: NDArray[np.float32]) -> bool:
    """Whether a label has images with it and without it; soft labels count from 0.5 on."""
    known = labels_N[~np.isnan(labels_N)] >= 0.5
    return bool(known.any() and not known.all())


def auroc(scores_N: NDArray[np.float32], labels_N: NDArray[np.float32]) -> Ranking:
    """Probability that an image with the label scores above one without; ties count half.

    Source: DeLong et al. 1988, https://doi.org/10.2307/2531595
    """
    known = ~np.isnan(labels_N)
    scores, positive = scores_N[known], labels_N[known] >= 0.5
    n, share = len(scores), positive.mean()
    below, above = np.sort(scores[~positive]), np.sort(scores[positive])

    def middle(ordered: NDArray[np.float32]) -> NDArray[np.float64]:
        left = np.searchsorted(ordered, scores, "left")
        return np.asarray((left + np.searchsorted(ordered, scores, "right")) / 2 / len(ordered))

    component = np.where(positive, middle(below), 1 - middle(above))
    value = float(component[positive].mean())
    influence = np.zeros(len(known))
    influence[known] = (component - value) / np.where(positive, share, 1 - share)
    return Ranking(value, influence * len(known) / n)


def average_precision(scores_N: NDArray[np.float32], labels_N: NDArray[np.float32]) -> Ranking:
    """Area under the precision-recall curve: mean over the positives of the precision there.

    With A(t) and B(t) the shares of positives and of all images that score t or more, it is
    E[A(S)/B(S) | positive]; the influence is its derivative in the direction of one image.
    """
    known = ~np.isnan(labels_N)
    scores, positive = scores_N[known], labels_N[known] >= 0.5
    n, share = len(scores), positive.mean()
    levels, at = np.unique(scores, return_inverse=True)
    hits_L = np.bincount(at, positive, minlength=len(levels))
    a_L = hits_L[::-1].cumsum()[::-1] / n
    b_L = np.bincount(at, minlength=len(levels))[::-1].cumsum()[::-1] / n
    value = float((hits_L * a_L / b_L).sum() / n / share)
    rise = (hits_L / b_L).cumsum()[at] / n
    fall = (hits_L * a_L / b_L**2).cumsum()[at] / n
    change = positive * ((a_L / b_L)[at] + rise) - fall - value * share
    influence = np.zeros(len(known))
    influence[known] = change / share - value * (positive - share) / share
    return Ranking(value, influence * len(known) / n)
