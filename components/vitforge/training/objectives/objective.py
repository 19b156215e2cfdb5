"""What the loop needs to know of a task."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from vitforge.errors import ConfigError


@dataclass(frozen=True)
class Score:
    """How a model did on images that are not trained on.

    Attributes:
        metrics: By name; `loss` is always among them.
        decides: Name of the metric that picks the best epoch.
        maximised: Whether more of it is better.
        correct_N: Whether each image was right, bool; None where a task has no right and wrong.
    """

    metrics: Mapping[str, float]
    decides: str
    maximised: bool
    correct_N: Tensor | None = None

    @property
    def value(self) -> float:
        """The deciding metric."""
        return self.metrics[self.decides]

    @property
    def loss(self) -> float:
        """Mean loss a target."""
        return self.metrics["loss"]

    @property
    def top1(self) -> float:
        """Accuracy, [0, 1]."""
        return self.metrics["top1"]

    @property
    def gain(self) -> float:
        """The deciding metric, turned so that more is better."""
        return self.value if self.maximised else -self.value

    @property
    def rank(self) -> tuple[float, float]:
        """Orders scores: by the deciding metric, and where that is equal by the loss."""
        return self.gain, -self.loss


class Objective(ABC):
    """Targets, loss and score of one task.

    Shapes: N images, O outputs of the head. Losses are sums, so that a batch computed in parts
    gives the whole batch's gradient: the loop divides by the whole batch's `weight`.

    Attributes:
        METRICS: Names that may pick the best epoch, and whether more is better; the first is the
            default.
    """

    METRICS: ClassVar[Mapping[str, bool]]

    def __init__(self, decides: str = "") -> None:
        known = self.METRICS
        if decides and decides not in known:
            raise ConfigError(
                f"the task has no metric {decides!r}",
                where="finetuning.best_by",
                mend="take one of " + ", ".join(known),
            )
        self.decides = decides or next(iter(known))

    @abstractmethod
    def targets(self, labels_N: Tensor) -> Tensor:
        """Stored labels to float targets, one row an image: rows may be mixed."""

    @abstractmethod
    def loss_sum(self, outputs_NO: Tensor, targets_NO: Tensor) -> Tensor:
        """Loss summed over the images, scalar, float32."""

    def weight(self, targets_NO: Tensor) -> float:
        """What the sum is divided by to give the mean: images, or known targets."""
        return len(targets_NO)

    @abstractmethod
    def measure(self, outputs_NO: Tensor, labels_N: Tensor) -> tuple[dict[str, float], Tensor]:
        """Metrics by name, `loss` among them, and whether each image was right (may be empty)."""

    def score(self, outputs_NO: Tensor, labels_N: Tensor) -> Score:
        """Measure outputs against stored labels."""
        metrics, correct_N = self.measure(outputs_NO.float(), labels_N)
        maximised = self.METRICS[self.decides]
        return Score(metrics, self.decides, maximised, correct_N if len(correct_N) else None)

    def finish(self, head: nn.Module) -> None:  # noqa: B027 - most tasks have nothing to do
        """Bring a trained head to the units that its users expect."""
