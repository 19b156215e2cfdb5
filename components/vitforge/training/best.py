"""The best epoch's weights, kept while training goes on."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vitforge.training.objectives import Score


class BestWeights:
    """A copy of the weights as they were after the best epoch; without scores, after the last.

    Attributes:
        score: The best epoch's; None without validation images.
        epoch: From 1; 0 before the first.
    """

    def __init__(self, weights: Sequence[nn.Parameter]) -> None:
        self.score: Score | None = None
        self.epoch = 0
        self._weights = weights
        self._kept: list[Tensor] = []

    def offer(self, score: Score | None, epoch: int) -> None:
        """Copy the weights if this epoch is the best so far."""
        if score is None or self.score is None or score.rank > self.score.rank:
            self.score, self.epoch = score, epoch
            self._kept = [weight.detach().clone() for weight in self._weights]

    @torch.no_grad()
    def restore(self) -> None:
        """Put the best epoch's weights back."""
        if self._kept:
            for weight, kept in zip(self._weights, self._kept, strict=True):
                weight.copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        """Tensors and JSON values."""
        score = self.score
        told = None
        if score is not None:
            told = [dict(score.metrics), score.decides, score.maximised, score.correct_N]
        return {"score": told, "epoch": self.epoch, "weights": self._kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.score = Score(*state["score"]) if state["score"] else None
        self.epoch = state["epoch"]
        pairs = zip(self._weights, state["weights"], strict=False)
        self._kept = [kept.to(weight.device) for weight, kept in pairs]
