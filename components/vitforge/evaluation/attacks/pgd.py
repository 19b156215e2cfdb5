"""Projected gradient descent."""

import torch
from torch import Generator, Tensor

from vitforge.evaluation.attacks.gradient import Logits, into_box, loss_and_gradient


def pgd(
    logits: Logits,
    pixels: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int = 10,
    generator: Generator | None = None,
) -> Tensor:
    """Steps of ε/4 along the gradient's sign, from a random place in the box, kept in the box.

    Args:
        logits: The model.
        pixels: Images.
        labels: Their classes.
        epsilon: Radius of the box.
        steps: Steps.
        generator: Of the random start, on the CPU; None starts at the image.

    Source: Madry et al. 2018, https://arxiv.org/abs/1706.06083
    """
    moved = pixels
    if generator is not None:
        start = (2 * torch.rand(pixels.shape, generator=generator) - 1) * epsilon
        moved = into_box(pixels + start.to(pixels), pixels, epsilon)
    for _ in range(steps):
        _, gradient, _ = loss_and_gradient(logits, moved, labels)
        moved = into_box(moved + epsilon / 4 * gradient.sign(), pixels, epsilon)
    return moved
