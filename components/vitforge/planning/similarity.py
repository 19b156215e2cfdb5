"""How alike two representations are, and how far pretrained features already solve a task."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitforge.errors import ConfigError

Array = NDArray[np.floating]


def linear_cka(x_ND: Array, y_NE: Array) -> float:
    """Linear centred kernel alignment: ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖), columns centred.

    Unchanged by rotation and by scaling of either representation.

    Args:
        x_ND: N images, D features.
        y_NE: The same N images, E features.

    Returns:
        [0, 1]; 1 when one is a rotated, scaled copy of the other; 0 when either is constant.

    Raises:
        ConfigError: if the numbers of images differ or are under 2, or a feature is NaN.

    Source: Kornblith et al. 2019, https://arxiv.org/abs/1905.00414
    """
    x, y = _matrix(x_ND), _matrix(y_NE)
    if len(x) != len(y):
        raise ConfigError(
            f"features of {len(x)} and of {len(y)} images cannot be compared",
            mend="give both for the same images, in the same order",
        )
    x, y = x - x.mean(0), y - y.mean(0)
    # With more features than images, the N × N kernels hold the same norms and are smaller.
    if x.shape[1] + y.shape[1] > 2 * len(x):
        k, m = x @ x.T, y @ y.T
        cross = float((k * m).sum())
        norms = float(np.linalg.norm(k) * np.linalg.norm(m))
    else:
        cross = float(np.linalg.norm(y.T @ x) ** 2)
        norms = float(np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    return cross / norms if norms > 0 else 0.0


def cka_per_block(before: Sequence[Array], after: Sequence[Array]) -> tuple[float, ...]:
    """Linear CKA of each block's features before and after training, from the input on.

    Args:
        before: A block's features of some images, shape (N, D); one array a block.
        after: The same after a short fine-tune.

    Raises:
        ConfigError: if the numbers of blocks differ.
    """
    if len(before) != len(after):
        raise ConfigError(
            f"{len(before)} blocks before and {len(after)} after", mend="give the same blocks twice"
        )
    return tuple(linear_cka(b, a) for b, a in zip(before, after, strict=True))


def settled_blocks(similarities: Sequence[float], threshold: float = 0.95) -> int:
    """Blocks, from the input on, that a short fine-tune left as they were: those to freeze.

    Args:
        similarities: From `cka_per_block`.
        threshold: CKA from which a block counts as unchanged, (0, 1].
    """
    moved = (index for index, value in enumerate(similarities) if value < threshold)
    return next(moved, len(similarities))


def task_similarity(features_ND: Array, labels_N: NDArray[np.integer], ridge: float = 1.0) -> float:
    """How far frozen features already solve the task: 0 no better than chance, 1 perfectly.

    Balanced accuracy of a ridge classifier, each image judged by a fit that left it out, which
    has a closed form; rescaled so that chance (1 / K) is 0.

    Args:
        features_ND: Pooled features of N images from the pretrained backbone.
        labels_N: Class indices; two classes or more, two images a class or more.
        ridge: Penalty on standardised features, above 0, in units of N / 100.

    Returns:
        [0, 1].

    Raises:
        ConfigError: if there are fewer than two classes, a class has one image, or shapes disagree.

    Source: leave-one-out by the hat matrix, Hastie et al., Elements of Statistical Learning, 7.10
    """
    x = _matrix(features_ND)
    labels = np.asarray(labels_N)
    if labels.shape != (len(x),):
        raise ConfigError(
            f"{labels.size} labels for {len(x)} images", mend="give one label an image"
        )
    classes, targets, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2 or counts.min() < 2:
        raise ConfigError(
            "similarity needs two classes, and two images in each",
            mend="give a larger sample: about 20 images a class",
        )
    x = x - x.mean(0)
    spread = x.std(0)
    x = x / np.where(spread > 0, spread, 1.0)
    y_NK = np.eye(len(classes))[targets]
    left_out = _leave_one_out(x, y_NK, ridge * len(x) / 100)
    right = left_out.argmax(1) == targets
    recall = np.array([right[targets == k].mean() for k in range(len(classes))])
    chance = 1 / len(classes)
    return float(np.clip((recall.mean() - chance) / (1 - chance), 0.0, 1.0))


def _leave_one_out(x: NDArray[np.float64], y: NDArray[np.float64], penalty: float) -> Array:
    """Predictions of ridge regression with an intercept, each row left out of its own fit."""
    n, d = x.shape
    design = np.hstack([x, np.ones((n, 1))])
    shrink = np.diag([penalty] * d + [1e-9])
    hat = design @ np.linalg.solve(design.T @ design + shrink, design.T)
    leverage = np.diag(hat)[:, None]
    predictions: NDArray[np.float64] = (hat @ y - leverage * y) / np.maximum(1 - leverage, 1e-9)
    return predictions


def _matrix(features: Array) -> NDArray[np.float64]:
    x = np.asarray(features, dtype=np.float64)
    if x.ndim != 2 or len(x) < 2:
        raise ConfigError(
            f"features of shape {x.shape} are not images × features",
            mend="pool tokens first: one row an image, two images or more",
        )
    if not np.isfinite(x).all():
        raise ConfigError("features hold NaN or infinity", mend="take them in float32")
    return x
