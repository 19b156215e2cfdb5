"""A training that is watched, saved now and then, and gone on with."""

from vitforge.backbones import Backbone
from vitforge.errors import VitforgeError
from vitforge.finetuning.telling import Teller
from vitforge.tracking import StepRun
from vitforge.training.fit import fit
from vitforge.training.interruption import stop_requests
from vitforge.training.job import Fitted, Job
from vitforge.training.keeping import Keeper
from vitforge.training.observers import Observer
from vitforge.training.snapshot import SnapshotStore
from vitforge.training.watching import Watcher


def fit_observed(
    backbone: Backbone, job: Job, store: SnapshotStore, run: StepRun, teller: Teller
) -> tuple[Fitted, Watcher]:
    """Train, or go on from the newest snapshot.

    Args:
        backbone: Trained in place; see `fit`.
        job: What to do.
        store: Where snapshots are.
        run: Hears of progress.
        teller: Hears of what the watcher sees.

    Returns:
        What came of it, and the watcher with all that it saw.

    Raises:
        VitforgeError: if the loss is no longer a number; names the last good snapshot too. Or
            if SIGTERM asked to stop.
        KeyboardInterrupt: after Ctrl-C.
    """
    recipe = job.recipe
    watcher = Watcher(recipe.watch_every, teller.pace, teller.flow, teller.batch)
    with stop_requests() as stop:
        keeper = Keeper(
            store, recipe.snapshot_seconds, stop, job.world, run.note, recipe.snapshot_steps
        )
        # All processes keep step with the keeper; what there is to see the first one sees.
        observers: list[Observer] = [keeper, watcher] if job.world.is_first else [keeper]
        try:
            return fit(backbone, job, run.progress, teller.epoch, observers), watcher
        except VitforgeError as error:
            last = store.newest()
            if last is None:
                raise
            where = f"{error.where}; last good state: {last}".removeprefix("; ")
            raise VitforgeError(error.cause, where=where, mend=error.mend) from error
