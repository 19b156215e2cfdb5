"""L2-SP: the pretrained weights as the point that training is held to."""

import torch
from torch import nn

from vitforge.backbones import Backbone


class StartPoint:
    """The regulariser R(θ, θ_pre) = ‖θ - θ_pre‖² in the objective L + λR, the fresh head left out.

    Args:
        backbone: As training begins.
        strength: λ, 0 or more.

    Source: Li et al. 2018, https://arxiv.org/abs/1802.01483
    """

    def __init__(self, backbone: Backbone, strength: float) -> None:
        head = {id(weight) for weight in backbone.head.parameters()}
        self._weights: list[nn.Parameter] = [
            w for w in backbone.parameters() if w.requires_grad and id(w) not in head
        ]
        self._start = [w.detach().clone() for w in self._weights]
        self._strength = strength

    @torch.no_grad()
    def add_gradient(self) -> None:
        """Add λ ∂R/∂θ = 2λ (θ - θ_pre) to the gradients of weights that have one."""
        for weight, start in zip(self._weights, self._start, strict=True):
            if weight.grad is not None:
                weight.grad.add_(weight - start, alpha=2 * self._strength)

    @torch.no_grad()
    def distance(self) -> float:
        """R, the squared distance walked."""
        pairs = zip(self._weights, self._start, strict=True)
        return sum((weight - start).square().sum().item() for weight, start in pairs)
