"""Labels that are probably wrong: confident learning."""

import numpy as np
from numpy.typing import NDArray


def label_errors(
    probabilities_NK: NDArray[np.float64], labels_N: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Images whose label is probably another class, the surest first.

    A class's threshold is the mean probability that its own images get. An image counts among a
    class when its probability reaches that class's threshold; of several, among the likeliest. One
    that counts among another class than its label, and is not predicted as it, is a candidate.

    Args:
        probabilities_NK: Of images that the model was not trained on.
        labels_N: Their labels.

    Returns:
        Indices, by the probability of the counted class less that of the label, falling.

    Source: Northcutt et al. 2021, https://arxiv.org/abs/1911.00068 (confident joint)
    """
    rows, classes = np.arange(len(labels_N)), probabilities_NK.shape[1]
    own_N = probabilities_NK[rows, labels_N]
    images_K = np.bincount(labels_N, minlength=classes)
    sums_K = np.bincount(labels_N, own_N, minlength=classes)
    threshold_K = np.where(images_K > 0, sums_K / np.maximum(images_K, 1), np.inf)
    reached_NK = np.where(probabilities_NK >= threshold_K, probabilities_NK, -1.0)
    likeliest_N = reached_NK.argmax(axis=1)
    other_N = (reached_NK[rows, likeliest_N] >= 0) & (likeliest_N != labels_N)
    found = np.flatnonzero(other_N & (probabilities_NK.argmax(axis=1) != labels_N))
    lead = probabilities_NK[found, likeliest_N[found]] - own_N[found]
    return found[np.argsort(-lead, kind="stable")]
