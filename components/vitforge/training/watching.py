"""Looking on while a model is trained: curves at sensible distances, gradient flow, alarms."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from vitforge.training.alarms import Alarm, Alarms
from vitforge.training.engine import Engine
from vitforge.training.feed import Batch
from vitforge.training.gradient_flow import FlowSample, GradientFlow
from vitforge.training.observers import Observer

SAMPLES = 200
"""Of a whole training, at most: a curve needs no more points."""
MIB = 2**20


@dataclass(frozen=True)
class Pace:
    """How fast a training runs, at one of its steps."""

    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    """Since the last look, validation included."""
    memory_mib: float | None
    """Most that tensors held at once, by torch's CUDA allocator; None without a GPU."""


class Watcher(Observer):
    """Looks at a few steps of a training.

    Args:
        every: Steps between two looks; more where the training is long.
        on_pace: Told at each look.
        on_flow: Told at each look, with the alarms that it set off.
        on_batch: Told of the first batch.
    """

    def __init__(
        self,
        every: int,
        on_pace: Callable[[Pace], None],
        on_flow: Callable[[FlowSample, list[Alarm]], None],
        on_batch: Callable[[Batch], None],
    ) -> None:
        self._every = every
        self._on_pace, self._on_flow, self._on_batch = on_pace, on_flow, on_batch
        self._alarms = Alarms()
        self._flow: GradientFlow | None = None
        self._first = True
        self._last = (0, 0.0)

    @property
    def samples(self) -> list[FlowSample]:
        """All looks so far."""
        return self._flow.samples if self._flow else []

    @property
    def alarms(self) -> list[Alarm]:
        """All alarms so far."""
        return self._alarms.raised

    def on_start(self, engine: Engine) -> None:
        """Find the blocks, which are final once the strategy is applied."""
        every = max(self._every, engine.job.total_steps // SAMPLES)
        self._flow = GradientFlow(engine.backbone, every)
        self._last = (engine.step, time.monotonic())

    def on_gradients(self, engine: Engine, batch: Batch) -> None:
        """Before the update of a step that is looked at."""
        if self._first:
            self._on_batch(batch)
            self._first = False
        if self._flow and self._flow.due(engine.step + 1):
            self._flow.before_update()

    def on_step(self, engine: Engine, batch: Batch) -> None:
        """After the update of a step that is looked at."""
        if not self._flow or not self._flow.due(engine.step):
            return
        before, then = self._last
        now = time.monotonic()
        self._last = (engine.step, now)
        images = (engine.step - before) * engine.job.batch_size
        self._on_pace(
            Pace(
                step=engine.step,
                loss=engine.losses[-1],
                learning_rate=engine.optimizer.param_groups[0]["lr"],
                images_per_second=images / (now - then),
                memory_mib=_memory(engine.device),
            )
        )
        loss = engine.losses[-1]
        sample = self._flow.after_update(engine.step, loss, batch.inputs, engine.gradients.model)
        self._on_flow(sample, self._alarms.hear(sample))


def _memory(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated(device) / MIB if device.type == "cuda" else None
