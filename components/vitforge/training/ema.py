"""A moving average of the weights."""

from typing import Any

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of a model's trainable weights.

    The decay of step t is min(decay, (1 + t) / (10 + t)), so that the random start is soon
    forgotten.

    Source: Polyak and Juditsky 1992; the warm-up is TensorFlow's ExponentialMovingAverage
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._weights = [p for p in model.parameters() if p.requires_grad]
        self._average = [p.detach().clone() for p in self._weights]
        self._decay = decay
        self._steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after an optimizer step."""
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        self._steps += 1
        torch._foreach_lerp_(self._average, [p.data for p in self._weights], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the model's weights and the average; a second call changes them back."""
        for weight, average in zip(self._weights, self._average, strict=True):
            kept: Tensor = weight.detach().clone()
            weight.copy_(average)
            average.copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        """Tensors and JSON values."""
        return {"average": self._average, "steps": self._steps}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self._steps = state["steps"]
        for average, kept in zip(self._average, state["average"], strict=True):
            average.copy_(kept)
