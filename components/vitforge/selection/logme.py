"""LogME: the evidence of a Bayesian linear model on frozen features. Told, not ranked on."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

TOLERANCE = 1e-10
"""Relative change of the precisions' ratio at which the fixed point counts as reached; the
published code stops at 1e-3."""
ROUNDS = 1000
SMALLEST = 1e-12


def logme(features_ND: Tensor, labels_N: Tensor) -> float:
    """Mean over classes of the maximised log evidence an image, one class against the rest.

    p(y | F) = ∫ N(y; Fw, I / β) N(w; 0, I / α) dw, maximised over α and β by the fixed point
    α = γ / ‖m‖², β = (N - γ) / ‖Fm - y‖², where γ = Σ βσ / (α + βσ) and σ are the squared singular
    values of F; here everything is counted in F's singular vectors.

    Args:
        features_ND: Frozen features, float.
        labels_N: Class indices, int64.

    Returns:
        Nats an image and class; higher is better, and comparable on the same images only.

    Source: You et al. 2021, https://arxiv.org/abs/2102.11005
    """
    x_ND, y_N = features_ND.double().numpy(), labels_N.numpy()
    left_NR, singular_R, _ = np.linalg.svd(x_ND, full_matrices=False)
    evidences = []
    for label in np.unique(y_N):
        target_N = (y_N == label).astype(np.float64)
        evidences.append(_evidence(left_NR, singular_R**2, target_N) / len(y_N))
    return float(np.mean(evidences))


def _evidence(
    left_NR: NDArray[np.float64], squared_R: NDArray[np.float64], target_N: NDArray[np.float64]
) -> float:
    """Maximised log evidence of one target, nats."""
    n = len(target_N)
    along_R = (left_NR.T @ target_N) ** 2
    outside = max(0.0, float(target_N @ target_N - along_R.sum()))
    alpha = beta = 1.0
    for _ in range(ROUNDS):
        ratio = alpha / beta
        used, weights, residual = _moments(squared_R, along_R, outside, ratio)
        alpha = used / max(weights, SMALLEST)
        beta = (n - used) / max(residual, SMALLEST)
        if abs(alpha / beta - ratio) <= TOLERANCE * ratio:
            break
    _, weights, residual = _moments(squared_R, along_R, outside, alpha / beta)
    # Directions that the features lack add log α to both the prior and the posterior, and cancel.
    determinant = np.log(alpha) - np.log(alpha + beta * squared_R)
    fit = n * np.log(beta / (2 * np.pi)) - beta * residual - alpha * weights
    return float(determinant.sum() + fit) / 2


def _moments(
    squared_R: NDArray[np.float64], along_R: NDArray[np.float64], outside: float, ratio: float
) -> tuple[float, float, float]:
    """γ, ‖m‖² and ‖Fm - y‖² of the posterior mean m, for ratio = α / β."""
    shrunk_R = squared_R + ratio
    used = float((squared_R / shrunk_R).sum())
    weights = float((squared_R * along_R / shrunk_R**2).sum())
    residual = outside + float((along_R * (ratio / shrunk_R) ** 2).sum())
    return used, weights, residual
