"""A whole training: what surrounds the loop, the loop, and what comes of it."""

import math
import time
from collections.abc import Sequence
from contextlib import ExitStack

from vitforge.backbones import Backbone
from vitforge.training.engine import Engine
from vitforge.training.job import Fitted, Job, OnEpoch, OnStep
from vitforge.training.observers import Observer
from vitforge.training.progress import Progress
from vitforge.training.regularisers import regularised
from vitforge.training.strategies import finish_strategy


def fit(
    backbone: Backbone,
    job: Job,
    on_step: OnStep = lambda *_: None,
    on_epoch: OnEpoch = lambda _: None,
    observers: Sequence[Observer] = (),
) -> Fitted:
    """Train a backbone in place; afterwards it holds the best epoch's weights, on the CPU.

    Args:
        backbone: Built with a head of `vitforge.tasks.output_count` outputs.
        job: What to do.
        on_step: Told after every step.
        on_epoch: Told after every epoch.
        observers: Told of more, and free to step in.

    Raises:
        VitforgeError: if the loss is no longer a number; names the step and its images.
    """
    start = time.perf_counter()
    engine = Engine(backbone, job, (*observers, Progress(on_step, on_epoch)))
    with ExitStack() as stack:
        for context in regularised(backbone, job):
            stack.enter_context(context)
        engine.run()
    engine.best.restore()
    finish_strategy(backbone, job.strategy)
    engine.objective.finish(backbone.head)
    backbone.cpu().eval()
    best = engine.best.score
    return Fitted(
        records=tuple(engine.records),
        best_epoch=engine.best.epoch,
        metric=engine.objective.decides,
        best_value=best.value if best else math.nan,
        best_top1=best.metrics.get("top1", math.nan) if best else math.nan,
        best_correct_N=best.correct_N if best else None,
        trainable_parameters=engine.trainable_parameters,
        precision=engine.precision,
        device=engine.device.type,
        micro_batch=engine.gradients.micro_batch,
        seconds=time.perf_counter() - start,
        note=engine.note,
    )
