"""Auto-PGD: projected gradient descent that finds its own step size."""

import torch
from torch import Generator, Tensor

from vitforge.evaluation.attacks.gradient import Logits, into_box, loss_and_gradient

MOMENTUM = 0.75
RISING = 0.75
"""Share of steps since the last look that must have raised the loss."""


def apgd(
    logits: Logits,
    pixels: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int = 10,
    generator: Generator | None = None,
) -> Tensor:
    """Momentum steps from 2ε on, halved where the loss stops rising, gone on from the best point.

    Args:
        logits: The model.
        pixels: Images.
        labels: Their classes.
        epsilon: Radius of the box.
        steps: Steps.
        generator: Of the random start, on the CPU; None takes torch's own.

    Returns:
        The last point that fooled the model; where none did, the image itself.

    Source: Croce & Hein 2020, https://arxiv.org/abs/2003.01690, cross-entropy loss, L∞
    """
    look, shortest, shorter = (max(int(share * steps), 1) for share in (0.22, 0.06, 0.03))
    draw = (2 * torch.rand(pixels.shape, generator=generator) - 1).to(pixels)
    draw /= draw.abs().amax((1, 2, 3), keepdim=True)
    moved = (pixels + epsilon * draw).clamp(0, 1)
    loss, gradient, right = loss_and_gradient(logits, moved, labels)
    before, fooling = moved, torch.where(right[:, None, None, None], pixels, moved)
    best, best_loss, best_gradient = moved.clone(), loss.clone(), gradient.clone()
    size = torch.full_like(pixels[:, :1, :1, :1], 2 * epsilon)
    checked_loss, halved = best_loss.clone(), torch.ones_like(labels, dtype=torch.bool)
    # The published code compares the first step's loss with 0.
    last_loss = torch.zeros_like(loss)
    rises = torch.zeros_like(loss)
    since = 0
    for step in range(steps):
        towards = into_box(moved + size * gradient.sign(), pixels, epsilon)
        share = MOMENTUM if step else 1.0
        carried = moved + (towards - moved) * share + (moved - before) * (1 - share)
        before, moved = moved, into_box(carried, pixels, epsilon)
        loss, gradient, right = loss_and_gradient(logits, moved, labels)
        fooling[~right] = moved[~right]
        better = loss > best_loss
        best[better], best_gradient[better] = moved[better], gradient[better]
        best_loss[better] = loss[better]
        rises += loss > last_loss
        last_loss = loss
        since += 1
        if since < look:
            continue
        still = ~halved & (checked_loss >= best_loss)
        halved = (rises <= look * RISING) | still
        checked_loss = best_loss.clone()
        size[halved] /= 2
        moved = torch.where(halved[:, None, None, None], best, moved)
        gradient = torch.where(halved[:, None, None, None], best_gradient, gradient)
        since, look = 0, max(look - shorter, shortest)
        rises.zero_()
    return fooling
