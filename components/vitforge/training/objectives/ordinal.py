"""Classes in an order: a chain of yes-or-no questions."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from vitforge.training.loss import masked_bce_sum
from vitforge.training.objectives.class_scores import quadratic_kappa
from vitforge.training.objectives.objective import Objective


class Ordinal(Objective):
    """CORN: output k is the logit of P(y > k | y >= k), trained on the images with y >= k.

    Args:
        classes: Number of classes K; the head has K - 1 outputs.
        decides: Metric that picks the best epoch; empty takes the mean absolute error.

    Source: Shi et al. 2021, https://arxiv.org/abs/2111.08851
    """

    METRICS: ClassVar[Mapping[str, bool]] = {
        "mae": False,
        "quadratic_kappa": True,
        "top1": True,
        "loss": False,
    }

    def __init__(self, classes: int, decides: str = "") -> None:
        super().__init__(decides)
        self._classes = classes

    def targets(self, labels_N: Tensor) -> Tensor:
        """Whether y > k; NaN where y < k, shape (N, K - 1)."""
        step_O = torch.arange(self._classes - 1, device=labels_N.device)
        above_NO = (labels_N[:, None] > step_O).float()
        return above_NO.masked_fill(labels_N[:, None] < step_O, torch.nan)

    def loss_sum(self, outputs_NO: Tensor, targets_NO: Tensor) -> Tensor:
        """Binary cross entropy over the questions that were asked."""
        return masked_bce_sum(outputs_NO, targets_NO)

    def weight(self, targets_NO: Tensor) -> float:
        """Questions asked, count."""
        return max(1.0, float(targets_NO.isfinite().sum()))

    def measure(self, outputs_NO: Tensor, labels_N: Tensor) -> tuple[dict[str, float], Tensor]:
        """Loss, MAE in classes, quadratic kappa and top-1; the answer is the median class."""
        predicted_N = (outputs_NO.double().sigmoid().cumprod(1) > 0.5).sum(1)
        correct_N, classes = predicted_N == labels_N, self._classes
        confusion = torch.bincount(labels_N * classes + predicted_N, minlength=classes**2)
        targets_NO = self.targets(labels_N)
        metrics = {
            "loss": self.loss_sum(outputs_NO, targets_NO).item() / self.weight(targets_NO),
            "mae": (predicted_N - labels_N).abs().double().mean().item(),
            "quadratic_kappa": quadratic_kappa(confusion.reshape(classes, classes).double()),
            "top1": correct_N.double().mean().item(),
        }
        return metrics, correct_N
