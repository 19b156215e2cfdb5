"""Is what attention points at what the answer rests on? Deletion and insertion of patches.

Shapes: N images, S steps.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

STEPS = 8
"""Shares of the patches at which the answer is asked again."""


def deletion_and_insertion(
    probability: Callable[[Tensor], Tensor],
    images: Tensor,
    weights: NDArray[np.float32],
    steps: int = STEPS,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas under the answer's probability while patches go, or come, most weighty first.

    Args:
        probability: Normalised images to the probability of the class first predicted, shape (N,).
        images: Normalised images; a deleted patch becomes the mean colour, 0.
        weights: A weight a patch, shape (N, side, side).
        steps: Steps from no patch to all.

    Returns:
        Deletion, lower is better, and insertion, higher is better; shape (N,), [0, 1].

    Source: Petsiuk et al. 2018 (RISE), https://arxiv.org/abs/1806.07421
    """
    side = weights.shape[1]
    flat = torch.from_numpy(np.ascontiguousarray(weights)).flatten(1)
    rank = flat.argsort(dim=1, descending=True, stable=True).argsort(1).view(-1, 1, side, side)
    height, width = images.shape[-2:]
    place = torch.nn.functional.interpolate(rank.float(), (height, width), mode="nearest")
    place = place.to(images)
    without, alone = [], []
    for step in range(steps + 1):
        gone = place < side * side * step / steps
        without.append(probability(images.masked_fill(gone, 0)))
        alone.append(probability(images.masked_fill(~gone, 0)))
    return _area(without), _area(alone)


def _area(curve: list[Tensor]) -> NDArray[np.float64]:
    values_SN = torch.stack(curve).double().cpu().numpy()
    return np.asarray(np.trapezoid(values_SN, axis=0) / (len(curve) - 1))
