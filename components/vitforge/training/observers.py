"""What may look on while a model is trained, or step in: progress, gradients, snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitforge.artifacts import EpochRecord

if TYPE_CHECKING:
    from vitforge.training.engine import Engine
    from vitforge.training.feed import Batch


class Observer:
    """Told of every event of a training; whatever it raises ends the training."""

    def on_start(self, engine: Engine) -> None:
        """Before the first step: `engine.load_state_dict` may take it further."""

    def on_gradients(self, engine: Engine, batch: Batch) -> None:
        """After the backward pass: gradients are whole, unscaled and not yet clipped."""

    def on_step(self, engine: Engine, batch: Batch) -> None:
        """After the optimizer's step: `engine.step` counts it, `engine.losses` has its loss."""

    def on_epoch(self, engine: Engine, record: EpochRecord) -> None:
        """After validation."""
