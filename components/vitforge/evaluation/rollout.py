"""Attention rollout: how much each patch reaches the answer, through all layers.

Shapes: N images, T tokens, P patches.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitforge.evaluation.attention_watch import watch_attention


def rollout(model: nn.Module, images: Tensor) -> NDArray[np.float32] | None:
    """Multiply the layers' mean attention, half of it the residual path.

    R = Π (A + I) / 2, later layers on the left. What is read is the class token's row, or the mean
    row where there is no such token.

    Args:
        model: A backbone.
        images: Normalised, shape (N, 3, H, W).

    Returns:
        Shape (N, side, side), each summing to 1; None where the layers see different tokens
        (windows), which cannot be multiplied.

    Source: Abnar & Zuidema 2020, https://arxiv.org/abs/2005.00928
    """
    parts: dict[int, list[Tensor]] = {}

    def look(layer: int, maps: Tensor) -> None:
        parts.setdefault(layer, []).append(maps.float().mean(1))

    with watch_attention(model, diversity=False, look=look) as watch, torch.no_grad():
        model(images)
        tokens = set(watch.tokens)
    if len(tokens) != 1:
        return None
    count = tokens.pop()
    eye = torch.eye(count, device=images.device)
    reach = eye.expand(len(images), -1, -1)
    for layer in sorted(parts):
        mean = torch.cat(parts[layer])
        if len(mean) != len(images):
            return None
        reach = (mean + eye) / 2 @ reach
    side = math.isqrt(count)
    before = count - side * side
    row = reach[:, 0] if before else reach.mean(1)
    patches = row[:, before:].reshape(-1, side, side)
    return np.asarray((patches / patches.sum((1, 2), keepdim=True)).cpu().numpy())
