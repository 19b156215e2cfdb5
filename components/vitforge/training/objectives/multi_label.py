"""Any number of labels an image: a sigmoid each."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from vitforge.training.loss import asymmetric_sum, masked_bce_sum
from vitforge.training.objectives.class_scores import average_precision
from vitforge.training.objectives.objective import Objective


class MultiLabel(Objective):
    """Binary cross entropy, or the asymmetric loss, over the known labels.

    Labels are [0, 1]; NaN is unknown and no loss looks at it. A mixture with an unknown label is
    unknown.

    Args:
        kind: `bce` or `asymmetric` (arXiv:2009.14119).
        smoothing: t (1 - s) + s / 2, [0, 1).
        weights_K: Weight of each class's positives (`bce` only); None weighs all alike.
        decides: Metric that picks the best epoch; empty takes mean average precision.
    """

    METRICS: ClassVar[Mapping[str, bool]] = {
        "mean_average_precision": True,
        "macro_f1": True,
        "loss": False,
    }

    def __init__(
        self,
        kind: Literal["bce", "asymmetric"] = "bce",
        smoothing: float = 0.0,
        weights_K: Tensor | None = None,
        decides: str = "",
    ) -> None:
        super().__init__(decides)
        self._kind, self._smoothing, self._weights_K = kind, smoothing, weights_K

    def targets(self, labels_N: Tensor) -> Tensor:
        """Smoothed labels, shape (N, K)."""
        return labels_N.float() * (1 - self._smoothing) + self._smoothing / 2

    def loss_sum(self, outputs_NO: Tensor, targets_NO: Tensor) -> Tensor:
        """Summed over known labels."""
        if self._kind == "asymmetric":
            return asymmetric_sum(outputs_NO, targets_NO)
        return masked_bce_sum(outputs_NO, targets_NO, self._weights_K)

    def weight(self, targets_NO: Tensor) -> float:
        """Known labels, count; 1 where there are none."""
        return max(1.0, float(targets_NO.isfinite().sum()))

    def measure(self, outputs_NO: Tensor, labels_N: Tensor) -> tuple[dict[str, float], Tensor]:
        """Loss, mean average precision, and macro F1 at probability 0.5.

        Classes without a known positive have no average precision and are left out.
        """
        known_NK, positive_NK = labels_N.isfinite(), labels_N > 0.5
        precisions, f1 = [], []
        for score_N, positive_N, known_N in zip(
            outputs_NO.T, positive_NK.T, known_NK.T, strict=True
        ):
            said_N, true_N = score_N[known_N] > 0, positive_N[known_N]
            if true_N.any():
                precisions.append(average_precision(score_N[known_N], true_N))
            total = int(said_N.sum() + true_N.sum())
            if total:
                f1.append(2 * int((said_N & true_N).sum()) / total)
        total_loss = self.loss_sum(outputs_NO, labels_N.float()).item()
        metrics = {
            "loss": total_loss / self.weight(labels_N),
            "mean_average_precision": _mean(precisions),
            "macro_f1": _mean(f1),
        }
        return metrics, torch.empty(0)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
