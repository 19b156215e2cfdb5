"""When a training's state is saved, and that it is gone on with."""

import time
from collections.abc import Callable

from vitforge.errors import VitforgeError
from vitforge.training.distributed import World
from vitforge.training.engine import Engine
from vitforge.training.feed import Batch
from vitforge.training.interruption import StopRequest
from vitforge.training.observers import Observer
from vitforge.training.snapshot import SnapshotStore

DEAREST = 0.01
"""Share of the training's time that saving may take: a slow disk makes snapshots rarer."""


class Keeper(Observer):
    """Saves now and then, and before it stops; the state holds the best epoch's weights too.

    Randomness needs no saving: every draw is seeded by (seed, epoch, step).

    Args:
        store: Where snapshots are.
        seconds: Between two snapshots, at least.
        stop: Looked at after every step.
        world: All processes save and stop at the same step; the first one writes.
        say: Told what a person should know.
        steps: Between two snapshots, whatever the clock says; 0 = by the clock alone.
    """

    def __init__(
        self,
        store: SnapshotStore,
        seconds: float,
        stop: StopRequest,
        world: World,
        say: Callable[[str], None],
        steps: int = 0,
    ) -> None:
        self._store, self._seconds, self._steps = store, seconds, steps
        self._stop, self._world, self._say = stop, world, say
        self._pause = seconds
        self._saved_at = time.monotonic()

    def on_start(self, engine: Engine) -> None:
        """Go on from the newest whole snapshot, if there is one.

        Raises:
            VitforgeError: if the processes see different snapshots.
        """
        step, state, damaged = self._store.load() or (0, {}, ())
        (mean,) = self._world.average(step)
        if mean != step:
            raise VitforgeError(
                "the training's processes see different snapshots",
                where=str(self._store.folder),
                mend="set VITFORGE_SNAPSHOTS to a folder that all nodes mount",
            )
        for sentence in damaged:
            self._say(sentence)
        if state:
            engine.load_state_dict(state)
            self._say(f"goes on from step {step}")
        self._saved_at = time.monotonic()

    def on_step(self, engine: Engine, batch: Batch) -> None:
        """Save when it is time; save and end when somebody asked for it."""
        by_count = bool(self._steps) and engine.step % self._steps == 0
        due = by_count or time.monotonic() - self._saved_at >= self._pause
        wanted = [float(due and self._world.is_first), float(bool(self._stop.signal))]
        due, stop = (value > 0 for value in self._world.average(*wanted))
        if due or stop:
            self._save(engine)
        if stop:
            self._stop.obey(f"step {engine.step} is saved")

    def _save(self, engine: Engine) -> None:
        began = time.monotonic()
        if not all(bool(weight.isfinite().all()) for weight in engine.weights):
            return  # the next loss will say so; the last good state is kept
        state = engine.state_dict()  # by all: what is sharded is put together here
        if self._world.is_first:
            self._store.save(engine.step, state)
        self._world.average(0.0)  # wait for it: who goes on from here reads it
        self._saved_at = time.monotonic()
        self._pause = max(self._seconds, (self._saved_at - began) / DEAREST)
