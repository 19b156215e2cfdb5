"""The loss that attacks climb, and its gradient."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Logits: TypeAlias = Callable[[Tensor], Tensor]
"""Pixels of shape (N, 3, H, W) in [0, 1] to logits of shape (N, K)."""


def loss_and_gradient(
    logits: Logits, pixels: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy of each image, its gradient by the pixels, and whether the answer is right."""
    with torch.enable_grad():
        asked = pixels.detach().requires_grad_()
        found = logits(asked)
        loss_N = torch.nn.functional.cross_entropy(found, labels, reduction="none")
        (gradient,) = torch.autograd.grad(loss_N.sum(), asked)
    return loss_N.detach(), gradient, found.detach().argmax(1) == labels


def into_box(moved: Tensor, pixels: Tensor, epsilon: float) -> Tensor:
    """The nearest point within ε of the image and in [0, 1]."""
    return torch.clamp(torch.clamp(moved, pixels - epsilon, pixels + epsilon), 0, 1)
