"""What is to be trained, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from vitforge.artifacts import EpochRecord, Preprocessing
from vitforge.config import FinetuningConfig, Strategy
from vitforge.training.images import ImageSet

OnStep = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, a sentence)."""
OnEpoch = Callable[[EpochRecord], None]


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        train: Images to learn from.
        val: Images that choose the best epoch; None keeps the last.
        classes: Number of classes K.
        how: Preprocessing of the model's input.
        recipe: All other settings.
        strategy: Which weights are trained.
        epochs: Passes over `train`.
        seed: Of every random choice.
        max_steps: Stop and end the schedule there; 0 = after all epochs.
    """

    train: ImageSet
    val: ImageSet | None
    classes: int
    how: Preprocessing
    recipe: FinetuningConfig
    strategy: Strategy
    epochs: int
    seed: int
    max_steps: int = 0

    @property
    def batch_size(self) -> int:
        """Images a step: the recipe's, or all there are."""
        return min(self.recipe.batch_size, len(self.train))

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches; what is left over takes its turn in another epoch."""
        return len(self.train) // self.batch_size

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole training."""
        steps = self.epochs * self.steps_per_epoch
        return min(steps, self.max_steps) if self.max_steps else steps

    @property
    def warmup_steps(self) -> int:
        """Steps of linear warm-up: at most half of a training cut short."""
        wanted = round(self.recipe.warmup_epochs * self.steps_per_epoch)
        return min(wanted, self.total_steps // 2 if self.max_steps else self.total_steps - 1)


@dataclass(frozen=True)
class Fitted:
    """What came of a job; the backbone itself holds the best epoch's weights.

    Attributes:
        records: One for each epoch.
        best_epoch: From 1.
        best_top1: Validation accuracy of that epoch, [0, 1]; NaN without validation images.
        best_correct_N: Which validation images that epoch had right, bool; None without.
        trainable_parameters: Count.
        precision: fp32, bf16 or fp16.
        device: cpu or cuda.
        seconds: Of the loop, validation included.
    """

    records: tuple[EpochRecord, ...]
    best_epoch: int
    best_top1: float
    best_correct_N: Tensor | None
    trainable_parameters: int
    precision: str
    device: str
    seconds: float
