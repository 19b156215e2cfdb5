"""A short fine-tune: the training itself, cut short and scored on held-out training images."""

import itertools
import math
import statistics
import time
from dataclasses import dataclass

from torch import Tensor

from vitforge.artifacts import Preprocessing
from vitforge.backbones import Backbone
from vitforge.config import FinetuningConfig, Strategy
from vitforge.config.data import Task
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job

TIMED_STEPS = 8
"""Steps taken to measure speed alone."""
SETTLING_STEPS = 2
"""First steps, which allocate, are not timed."""


@dataclass(frozen=True)
class Trial:
    """What a short fine-tune showed.

    Attributes:
        correct_N: Which held-out images it had right, bool; None where a task has no such thing.
        step_seconds: Median time of an optimizer step.
        batch_size: Images a step.
    """

    correct_N: Tensor | None
    step_seconds: float
    batch_size: int


def run_trial(
    backbone: Backbone,
    fit_images: ImageSet,
    held_out: ImageSet,
    *,
    classes: int,
    how: Preprocessing,
    recipe: FinetuningConfig,
    strategy: Strategy,
    steps: int,
    seed: int,
    task: Task = "single_label",
) -> Trial:
    """Train for `steps` steps with the recipe itself; its schedule is squeezed into them.

    What frees weights only in time (`lp_ft`, `gradual`) is tried as `full`: its steps are the
    longest.
    """
    if strategy in ("lp_ft", "gradual"):
        strategy = "full"
    batch = min(recipe.batch_size, len(fit_images))
    epochs = math.ceil(steps / (len(fit_images) // batch))
    short = recipe.model_copy(
        update={"validate_every": epochs, "patience": 0, "warmup_epochs": epochs / 5}
    )
    job = Job(
        fit_images,
        held_out,
        classes,
        how,
        short,
        strategy,
        epochs=epochs,
        seed=seed,
        max_steps=steps,
        task=task,
    )
    ticks = [time.perf_counter()]
    fitted = fit(backbone, job, lambda *_: ticks.append(time.perf_counter()))
    durations = [after - before for before, after in itertools.pairwise(ticks)]
    settled = durations[SETTLING_STEPS:] or durations
    return Trial(fitted.best_correct_N, statistics.median(settled), batch)
