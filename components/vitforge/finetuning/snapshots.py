"""Where a training's snapshots lie, so that the next attempt finds them."""

import hashlib
import os
from pathlib import Path

from vitforge import __version__
from vitforge.artifacts import DatasetInfo, Plan
from vitforge.training.snapshot import SnapshotStore

SNAPSHOTS_VARIABLE = "VITFORGE_SNAPSHOTS"
"""A folder that outlives the process: on a cluster one on a volume that every node can mount."""


def snapshot_store(plan: Plan, info: DatasetInfo, run_folder: Path) -> SnapshotStore:
    """The snapshots of the training of this plan, on this data, by this version.

    They cannot lie in the artifact: every attempt of a step gets another output folder, and what a
    failed one left there is lost. On one machine the step's spool is the same for all attempts of
    a run, so they lie there. A pod's own disk goes with the pod: there `VITFORGE_SNAPSHOTS` names
    a mounted volume. The folder's name is made of what is trained, so that a pod on another node,
    or the same run submitted again, goes on, and no other training does.

    Args:
        plan: What is trained.
        info: Of the data set.
        run_folder: The step's folder in the spool.
    """
    named = os.environ.get(SNAPSHOTS_VARIABLE)
    # Measured seconds and scores differ between two runs of the same plan.
    what = plan.model_dump_json(include={"backbone", "strategy", "epochs", "seed", "recipe"})
    identity = hashlib.sha256(f"{what}\n{info.fingerprint}\n{__version__}".encode()).hexdigest()
    return SnapshotStore(Path(named or run_folder / "snapshots") / identity[:16])
