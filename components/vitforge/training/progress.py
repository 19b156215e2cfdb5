"""A training told as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitforge.artifacts import EpochRecord
from vitforge.training.job import OnEpoch, OnStep
from vitforge.training.objectives import Score
from vitforge.training.observers import Observer

if TYPE_CHECKING:
    from vitforge.training.engine import Engine
    from vitforge.training.feed import Batch


class Progress(Observer):
    """Tells every step in a sentence, and every epoch's record."""

    def __init__(self, on_step: OnStep, on_epoch: OnEpoch) -> None:
        self._on_step, self._on_epoch = on_step, on_epoch

    def on_step(self, engine: Engine, batch: Batch) -> None:
        """Tell the step, its loss, and the best validation metric so far."""
        job = engine.job
        said = f"epoch {engine.epoch + 1}/{job.epochs} loss {engine.losses[-1]:.2f}"
        if engine.best.score:
            said += f" val {say(engine.best.score)}"
        self._on_step(engine.step, job.total_steps, said)

    def on_epoch(self, engine: Engine, record: EpochRecord) -> None:
        """Pass the record on."""
        self._on_epoch(record)


def say(score: Score) -> str:
    """The deciding metric in words: `top-1 98.9 %`, `mae 0.124`."""
    if score.decides == "top1":
        return f"top-1 {score.value:.1%}".replace("%", " %")
    return f"{score.decides.replace('_', ' ')} {score.value:.3g}"
