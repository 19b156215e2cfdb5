"""Temperature scaling: one number that makes confidence honest and changes no answer."""

import numpy as np
from numpy.typing import NDArray

_STEPS = 50
_BOUNDS = (0.01, 100.0)


def fit_temperature(logits_NK: NDArray[np.float32], labels_N: NDArray[np.int64]) -> float:
    """The T that makes softmax(logits / T) likeliest, by Newton's method.

    In b = 1 / T the negative log-likelihood is convex: its slope is the mean of
    E[z] - z_true, its curvature the mean variance of z, both under softmax(b z).

    Args:
        logits_NK: Logits of images that were not trained on.
        labels_N: Their true classes.

    Returns:
        T, within [0.01, 100]. 1 where no answer is wrong: the likeliest T would then be 0, and call
        every answer certain.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599
    """
    if np.array_equal(logits_NK.argmax(axis=1), labels_N):
        return 1.0
    z = logits_NK.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    true_N = z[np.arange(len(z)), labels_N]
    low, high = 1 / _BOUNDS[1], 1 / _BOUNDS[0]
    b = 1.0
    for _ in range(_STEPS):
        p = np.exp(b * z)
        p /= p.sum(axis=1, keepdims=True)
        mean_N = (p * z).sum(axis=1)
        slope = float((mean_N - true_N).mean())
        curvature = float(((p * z**2).sum(axis=1) - mean_N**2).mean())
        low, high = (low, b) if slope > 0 else (b, high)
        step = b - slope / curvature if curvature > 0 else np.inf
        # Where Newton leaves the bracket, halving it (on the log scale) is always safe.
        new = float(step) if low < step < high else float(np.sqrt(low * high))
        if abs(new - b) <= 1e-9 * b:
            break
        b = new
    return 1 / b


def fit_label_temperature(logits_N: NDArray[np.float32], labels_N: NDArray[np.float32]) -> float:
    """The same for one label of a multi-label task; unknown (NaN) labels are left out.

    A sigmoid is a softmax over the logit and 0. 1 where the label is always or never there.
    """
    known = ~np.isnan(labels_N)
    truth = labels_N[known] >= 0.5
    if not truth.any() or truth.all():
        return 1.0
    pair = np.stack([np.zeros(int(known.sum()), np.float32), logits_N[known]], axis=1)
    return fit_temperature(pair, truth.astype(np.int64))
