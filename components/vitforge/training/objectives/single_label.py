"""One class an image: softmax cross entropy."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from vitforge.training.loss import smooth_targets, soft_cross_entropy_sum
from vitforge.training.objectives.class_scores import balanced_accuracy, macro_f1
from vitforge.training.objectives.objective import Objective


class SingleLabel(Objective):
    """Cross entropy against smoothed labels; top-1 picks the best epoch.

    Args:
        classes: Number of classes K.
        smoothing: Label smoothing, [0, 1).
        weights_K: Weight of each class in the loss; None weighs all alike.
        decides: Metric that picks the best epoch; empty takes top-1.
    """

    METRICS: ClassVar[Mapping[str, bool]] = {
        "top1": True,
        "balanced_accuracy": True,
        "macro_f1": True,
        "loss": False,
    }

    def __init__(
        self,
        classes: int,
        smoothing: float = 0.0,
        weights_K: Tensor | None = None,
        decides: str = "",
    ) -> None:
        super().__init__(decides)
        self._classes, self._smoothing, self._weights_K = classes, smoothing, weights_K

    def targets(self, labels_N: Tensor) -> Tensor:
        """Class indices, int64, to smoothed one-hot rows, shape (N, K)."""
        return smooth_targets(labels_N, self._classes, self._smoothing)

    def loss_sum(self, outputs_NO: Tensor, targets_NO: Tensor) -> Tensor:
        """Cross entropy, nats."""
        return soft_cross_entropy_sum(outputs_NO, targets_NO, self._weights_K)

    def measure(self, outputs_NO: Tensor, labels_N: Tensor) -> tuple[dict[str, float], Tensor]:
        """Loss (unweighted, unsmoothed), top-1, balanced accuracy and macro F1."""
        predicted_N = outputs_NO.argmax(dim=1)
        correct_N = predicted_N == labels_N
        classes = outputs_NO.shape[1]
        confusion_KK = torch.bincount(labels_N * classes + predicted_N, minlength=classes**2)
        confusion_KK = confusion_KK.reshape(classes, classes).double()
        return {
            "loss": F.cross_entropy(outputs_NO, labels_N).item(),
            "top1": correct_N.double().mean().item(),
            "balanced_accuracy": balanced_accuracy(confusion_KK),
            "macro_f1": macro_f1(confusion_KK),
        }, correct_N
