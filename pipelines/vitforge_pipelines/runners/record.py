"""The record of a local run: what was asked for, and how far it came.

A run that did not finish is gone on with when the same config, data and code are run again.
"""

import fcntl
import hashlib
import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal

from vitforge.artifacts import ArtifactModel
from vitforge.config import PipelineConfig
from vitforge.errors import VitforgeError
from vitforge.tracking.code import code_digest
from vitforge_pipelines.runners.home import home

RECORD_FILE = "run.json"


class RunRecord(ArtifactModel):
    """`run.json` in a run's folder."""

    name: str
    digest: str
    """SHA-256 over config, code and runner: runs of the same digest may go on from each other."""
    config: PipelineConfig
    runner: Literal["subprocess", "docker"]
    state: Literal["running", "failed", "stopped", "finished"]
    started: float
    """Seconds since the epoch."""
    finished: float = 0.0
    """Seconds since the epoch; 0 while it runs."""
    parent_run_id: str = ""
    """The MLflow run; empty until the tracking server answered."""


def runs_folder() -> Path:
    """Where runs keep their records, logs and artifacts."""
    return home() / "runs"


def run_digest(config: PipelineConfig, runner: str) -> str:
    """What must be equal for a run to go on from another."""
    asked = f"{runner}\n{config.model_dump_json()}\n{code_digest()}\n"
    return hashlib.sha256(asked.encode()).hexdigest()


def read_records() -> list[tuple[Path, RunRecord]]:
    """Every run's folder and record, newest first; unreadable records are passed over."""
    found = []
    for file in runs_folder().glob(f"*/{RECORD_FILE}"):
        try:
            found.append((file.parent, RunRecord.load(file)))
        except VitforgeError:
            continue
    return sorted(found, key=lambda item: item[1].started, reverse=True)


def find_run(name: str) -> tuple[Path, RunRecord]:
    """The run of that name, or the newest one for an empty name.

    Raises:
        VitforgeError: if there is none; names the runs there are.
    """
    records = read_records()
    for folder, record in records:
        if name in ("", record.name):
            return folder, record
    if not records:
        raise VitforgeError(
            "there is no run yet", where=str(runs_folder()), mend="vitforge run CONFIG"
        )
    known = ", ".join(record.name for _, record in records[:5])
    raise VitforgeError(
        f"no run is called {name}", where=str(runs_folder()), mend=f"one of: {known}"
    )


def unfinished_runs(config: PipelineConfig, runner: str) -> list[tuple[Path, RunRecord]]:
    """Runs that the same command would go on with, newest first; one may be held by a process."""
    digest = run_digest(config, runner)
    return [
        (folder, record)
        for folder, record in read_records()
        if record.digest == digest and record.state != "finished"
    ]


@contextmanager
def open_run(
    config: PipelineConfig, runner: Literal["subprocess", "docker"], fresh: bool
) -> Iterator[tuple[Path, RunRecord, bool]]:
    """Hold the folder to run in, and its record.

    Yields:
        Folder, record, and whether it goes on from an unfinished run.
    """
    with ExitStack() as held:
        for folder, record in [] if fresh else unfinished_runs(config, runner):
            try:
                held.enter_context(run_lock(folder))
            except VitforgeError:  # another process is in it
                continue
            again = record.model_copy(update={"state": "running", "finished": 0.0})
            again.save(folder / RECORD_FILE)
            yield folder, again, True
            return
        folder = _new_folder(config.model_name)
        held.enter_context(run_lock(folder))
        record = RunRecord(
            name=folder.name,
            digest=run_digest(config, runner),
            config=config,
            runner=runner,
            state="running",
            started=time.time(),
        )
        record.save(folder / RECORD_FILE)
        yield folder, record, False


def _new_folder(model_name: str) -> Path:
    runs_folder().mkdir(parents=True, exist_ok=True)
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{model_name}"
    for number in itertools.count(1):
        folder = runs_folder() / (name if number == 1 else f"{name}-{number}")
        with suppress(FileExistsError):  # taken, perhaps by a process that starts this second
            folder.mkdir()
            return folder
    raise AssertionError("unreachable")


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a run's folder, so that no second process goes on with it."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VitforgeError(
                "another process is in this run", where=str(folder), mend="wait for it, or --fresh"
            ) from None
        yield
