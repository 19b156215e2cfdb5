"""What is to be trained, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from vitforge.artifacts import EpochRecord, Preprocessing
from vitforge.artifacts.features import FrozenFeatures
from vitforge.config import FinetuningConfig, Strategy
from vitforge.config.data import Task
from vitforge.planning.schedule import learning_rate
from vitforge.training.distributed import ALONE, World
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
        classes: Number of classes K; 0 for a regression.
        how: Preprocessing of the model's input.
        recipe: All other settings.
        strategy: Which weights are trained.
        epochs: Passes over `train`.
        seed: Of every random choice.
        max_steps: Stop and end the schedule there; 0 = after all epochs.
        task: What the labels are.
        world: The processes that train it together.
        planned: Frozen features that the plan keeps of some of `train`, made by the same backbone
            and preprocessing; None where it keeps none.
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
    task: Task = "single_label"
    world: World = ALONE
    planned: FrozenFeatures | None = None

    @property
    def batch_size(self) -> int:
        """Images a step, of all processes together: the recipe's, or all there are."""
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
    def probe_steps(self) -> int:
        """Steps in which `lp_ft` trains the head alone: at most half of a training cut short."""
        if self.strategy != "lp_ft":
            return 0
        wanted = self.recipe.probe_epochs * self.steps_per_epoch
        return min(wanted, self.total_steps // 2 if self.max_steps else self.total_steps - 1)

    @property
    def warmup_steps(self) -> int:
        """Steps of linear warm-up: at most half of a training cut short."""
        wanted = round(self.recipe.warmup_epochs * self.steps_per_epoch)
        steps = self.total_steps - self.probe_steps
        return min(wanted, steps // 2 if self.max_steps else steps - 1)

    def rate(self, step: int) -> float:
        """Learning rate of a step, from 0: the probe of `lp_ft` has a cosine of its own."""
        recipe, probe = self.recipe, self.probe_steps
        if step < probe:
            low = min(recipe.min_learning_rate, recipe.probe_learning_rate)
            return learning_rate(step, probe, 0, recipe.probe_learning_rate, low)
        return learning_rate(
            step - probe,
            self.total_steps - probe,
            self.warmup_steps,
            recipe.learning_rate,
            recipe.min_learning_rate,
        )


@dataclass(frozen=True)
class Fitted:
    """What came of a job; the backbone itself holds the best epoch's weights.

    Attributes:
        records: One for each epoch.
        best_epoch: From 1.
        metric: Name of the validation metric that chose it.
        best_value: Its value in that epoch; NaN without validation images.
        best_top1: Validation accuracy of that epoch, [0, 1]; NaN where there is none.
        best_correct_N: Which validation images that epoch had right, bool; None without.
        trainable_parameters: Count.
        precision: fp32, bf16 or fp16.
        device: cpu or cuda.
        micro_batch: Images computed at once in the end.
        seconds: Of the loop, validation included.
        note: Whether the frozen part was run once, and why; may be empty.
    """

    records: tuple[EpochRecord, ...]
    best_epoch: int
    metric: str
    best_value: float
    best_top1: float
    best_correct_N: Tensor | None
    trainable_parameters: int
    precision: str
    device: str
    micro_batch: int
    seconds: float
    note: str = ""
