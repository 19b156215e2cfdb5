"""The fast gradient sign method."""

from torch import Generator, Tensor

from vitforge.evaluation.attacks.gradient import Logits, loss_and_gradient


def fgsm(
    logits: Logits,
    pixels: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int = 1,
    generator: Generator | None = None,
) -> Tensor:
    """One step of ε along the gradient's sign.

    Source: Goodfellow et al. 2015, https://arxiv.org/abs/1412.6572
    """
    _, gradient, _ = loss_and_gradient(logits, pixels, labels)
    return (pixels + epsilon * gradient.sign()).clamp(0, 1)
