"""Metrics of a task whose answer is one class."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from vitforge.metrics.family import Family, Means, mean_family
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Dense, Grouped


def class_families(found: Predictions, bins: int, reliable: float) -> list[Family]:
    """Top-1, top-5, likelihood, confidence, agreement, calibration and what can be relied on.

    Args:
        found: Of a single-label or ordinal task.
        bins: Equal-width confidence bins of the calibration errors.
        reliable: Confidence from which on an answer is called reliable, (0, 1).
    """
    classwise = classwise_gaps(found.probabilities, found.labels, bins)
    kept = found.confidence >= reliable
    shares = np.stack([kept, kept & found.correct], axis=1)
    return [
        mean_family(
            {
                "top1": found.correct,
                "top5": found.rank < 5,
                "nll": found.nll,
                "brier": found.brier,
                "confidence": found.confidence,
                "entropy": found.entropy,
            }
        ),
        agreement(found.labels, found.predicted, found.classes),
        Family(("ece",), (signed_gaps(found, bins),), _sum_of_gaps),
        Family(("ece_classwise",), classwise, _sum_of_gaps),
        Family(
            ("reliable_share", "reliable_accuracy"),
            (Dense(shares.astype(np.float32)),),
            lambda means: [means[..., 0], means[..., 1] / means[..., 0]],
        ),
    ]


def _sum_of_gaps(*gaps: Means) -> list[NDArray[np.float64]]:
    return [np.asarray(sum(np.abs(gap).sum(axis=-1) for gap in gaps))]


def agreement(labels_N: NDArray[np.int64], predicted_N: NDArray[np.int64], classes: int) -> Family:
    """`balanced_accuracy`, `macro_f1` (both over classes with images) and `mcc`."""
    right = np.where(labels_N == predicted_N, labels_N, -1)
    tested = np.bincount(labels_N, minlength=classes) > 0
    columns = tuple(Grouped(codes, classes) for codes in (right, labels_N, predicted_N))
    return Family(("balanced_accuracy", "macro_f1", "mcc"), columns, partial(_agreement, tested))


def _agreement(
    tested_C: NDArray[np.bool_], hits: Means, support: Means, answers: Means
) -> list[NDArray[np.float64]]:
    drawn = tested_C & (support > 0)
    recall = np.where(drawn, hits, 0) / np.where(drawn, support, 1)
    return [
        np.asarray(recall.sum(axis=-1) / drawn.sum(axis=-1)),
        macro_f1(hits, support, answers, tested_C),
        matthews_correlation(hits, support, answers),
    ]


def macro_f1(
    hits: Means, support: Means, answers: Means, tested_C: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Unweighted mean of F1 = 2 hits / (support + answers), over the tested classes.

    Args:
        hits: Right answers of each class, counts or shares, shape (..., C).
        support: Images of each class, shape (..., C).
        answers: Predictions of each class, shape (..., C).
        tested_C: Classes to average over.

    Returns:
        Shape (...), in [0, 1].
    """
    total = (support + answers)[..., tested_C]
    f1 = 2 * hits[..., tested_C] / np.where(total > 0, total, 1)
    return np.asarray(f1.mean(axis=-1))


def matthews_correlation(hits: Means, support: Means, answers: Means) -> NDArray[np.float64]:
    """Matthews correlation for any number of classes; 0 where it is undefined.

    Args:
        hits: Right answers of each class, counts or shares, shape (..., C).
        support: Images of each class, shape (..., C).
        answers: Predictions of each class, shape (..., C).

    Returns:
        Shape (...), in [-1, 1].

    Source: Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006
    """
    t, p = np.asarray(support, np.float64), np.asarray(answers, np.float64)
    n = t.sum(axis=-1)
    covariance = hits.sum(axis=-1) * n - (t * p).sum(axis=-1)
    product = (n**2 - (p**2).sum(axis=-1)) * (n**2 - (t**2).sum(axis=-1))
    # Shares of one class alone leave a rounding error where counts leave 0.
    defined = product > 1e-12 * n**4
    return np.asarray(np.where(defined, covariance, 0) / np.sqrt(np.where(defined, product, 1)))


def signed_gaps(found: Predictions, bins: int) -> Grouped:
    """Confidence less correctness of each answer, in the column of its confidence bin."""
    return Grouped(bin_of(found.confidence, bins), bins, found.confidence - found.correct)


def expected_calibration_error(
    confidence_N: NDArray[np.float64], correct_N: NDArray[np.bool_], bins: int = 15
) -> float:
    """Average gap between confidence and accuracy over equal-width bins (lo, hi] of (0, 1].

    Args:
        confidence_N: Probability of the predicted class, (0, 1].
        correct_N: Whether the prediction is right.
        bins: Bins of equal width.

    Returns:
        ECE as a fraction, [0, 1]; lower is better. It is biased upwards: see `chance_ece`.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599
    """
    gaps_B = np.bincount(bin_of(confidence_N, bins), confidence_N - correct_N, minlength=bins)
    return float(np.abs(gaps_B).sum() / len(confidence_N))


def classwise_gaps(
    probabilities_NK: NDArray[np.float64], labels_N: NDArray[np.int64], bins: int
) -> tuple[Dense, Grouped]:
    """Probability less truth of every class and bin, over the number of classes.

    The sum of the columns' absolute means is the classwise calibration error. Nearly every
    probability of many classes lies in the first bin, so that bin is dense, the others are entries.

    Source: Kull et al. 2019, https://arxiv.org/abs/1910.12656
    """
    n, classes = probabilities_NK.shape
    gap_NK = probabilities_NK / classes
    gap_NK[np.arange(n), labels_N] -= 1 / classes
    bin_NK = bin_of(probabilities_NK, bins)
    first = Dense(np.where(bin_NK == 0, gap_NK, 0).astype(np.float32))
    image, label = np.nonzero(bin_NK)
    group = label * bins + bin_NK[image, label]
    return first, Grouped(group, classes * bins, gap_NK[image, label], image, n)


def bin_of(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Index of the bin (lo, hi] that holds each confidence; 0 falls into the first."""
    # Against the edges themselves: ceil(x * bins) would put 0.6 of 5 bins wrongly by rounding.
    edges = np.linspace(0.0, 1.0, bins + 1)
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
