"""A number an image."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitforge.errors import VitforgeError
from vitforge.training.objectives.objective import Objective


class Regression(Objective):
    """A loss on the standardised target; scores are in the target's own unit.

    Args:
        mean: Of the training targets.
        std: Of the training targets, above 0.
        kind: `l1`, `l2` or `huber`; Huber's bend lies at one standard deviation.
        decides: Metric that picks the best epoch; empty takes the mean absolute error.
    """

    METRICS: ClassVar[Mapping[str, bool]] = {
        "mae": False,
        "rmse": False,
        "r2": True,
        "loss": False,
    }

    def __init__(
        self,
        mean: float = 0.0,
        std: float = 1.0,
        kind: Literal["l1", "l2", "huber"] = "l2",
        decides: str = "",
    ) -> None:
        super().__init__(decides)
        self._mean, self._std, self._kind = mean, std, kind

    def targets(self, labels_N: Tensor) -> Tensor:
        """(y - mean) / std, shape (N, 1)."""
        return ((labels_N.float() - self._mean) / self._std)[:, None]

    def loss_sum(self, outputs_NO: Tensor, targets_NO: Tensor) -> Tensor:
        """Summed over the images; l2 is the squared error, without a half."""
        outputs = outputs_NO.float()
        if self._kind == "l1":
            return F.l1_loss(outputs, targets_NO, reduction="sum")
        if self._kind == "huber":
            return F.huber_loss(outputs, targets_NO, reduction="sum")
        return F.mse_loss(outputs, targets_NO, reduction="sum")

    def measure(self, outputs_NO: Tensor, labels_N: Tensor) -> tuple[dict[str, float], Tensor]:
        """Loss on the standardised target; MAE and RMSE in the target's unit; R²."""
        error_N = (outputs_NO[:, 0].double() * self._std + self._mean) - labels_N.double()
        spread = (labels_N.double() - labels_N.double().mean()).square().sum()
        squares = error_N.square().sum()
        metrics = {
            "loss": self.loss_sum(outputs_NO, self.targets(labels_N)).item() / len(labels_N),
            "mae": error_N.abs().mean().item(),
            "rmse": error_N.square().mean().sqrt().item(),
            "r2": (1 - squares / spread).item() if spread > 0 else 0.0,
        }
        return metrics, torch.empty(0)

    @torch.no_grad()
    def finish(self, head: nn.Module) -> None:
        """Fold the standardisation into the linear head: the model answers in the target's unit.

        Raises:
            VitforgeError: if the head's last layer is not linear with a bias.
        """
        for part in head if isinstance(head, nn.ModuleList) else [head]:
            last = [m for m in part.modules() if isinstance(m, nn.Linear)][-1:]
            if not last or last[0].bias is None:
                raise VitforgeError(
                    "the head has no bias to fold the target's mean into",
                    mend="take another backbone",
                )
            last[0].weight.mul_(self._std)
            last[0].bias.mul_(self._std).add_(self._mean)
