"""What a step says while it runs: parameters, metrics, files, progress, and how it ended.

A step only appends to a spool on disk: it never waits for a tracking server, needs no MLflow
import, and loses nothing when the server is away. `shipper` sends the spool on.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from vitforge.errors import explain

SPOOL_VARIABLE = "VITFORGE_SPOOL"
EVENTS_FILE = "events.jsonl"
FILES_FOLDER = "files"


class StepRun:
    """One step's child run. Use as a context manager around the step's work.

    Where `VITFORGE_SPOOL` names a folder, somebody else ships it (the local runner does).
    Elsewhere the step starts a shipper of its own and waits for it at the end.

    Args:
        step: Its name.
        spool: Folder of the spool, in place of the variable's.
        joins: Go on in a run that another process has begun and will end.
    """

    def __init__(self, step: str, spool: Path | None = None, *, joins: bool = False) -> None:
        self.step = step
        self._joins = joins
        named = os.environ.get(SPOOL_VARIABLE)
        self._ships_itself = spool is None and not named
        root = spool or Path(named or tempfile.mkdtemp(prefix="vitforge-spool-"))
        self.folder = root / step
        self._root = root
        self._file: IO[str] | None = None
        self._shipper: subprocess.Popen[bytes] | None = None
        self._last_progress = 0.0

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = (self.folder / EVENTS_FILE).open("a", encoding="utf-8", buffering=1)
        if not self._joins:
            self._say("start", step=self.step, pid=os.getpid(), host=platform.node())
        if self._ships_itself:
            self._shipper = subprocess.Popen(
                [sys.executable, "-m", "vitforge.tracking.shipper", str(self._root)]
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        if self._joins:
            pass  # the process that began the run tells how it ended
        elif error is None:
            self._say("end", status="FINISHED")
        else:
            told = explain(error)
            stopped = isinstance(error, KeyboardInterrupt)
            self._say(
                "end",
                status="KILLED" if stopped else "FAILED",
                cause=told.cause,
                where=told.where,
                mend=told.mend,
            )
        if self._file:
            self._file.close()
            self._file = None
        if self._shipper:
            self._shipper.wait()
        return False

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters, on the parent too; nested mappings become dotted names.

        Parameters never change.
        """
        self._say("params", values=_flatten(values))

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log metrics at a step (an epoch, say)."""
        self._say("metrics", values={k: float(v) for k, v in values.items()}, at=step)

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags on the child run."""
        self._say("tags", values=dict(values))

    def headline(self, values: Mapping[str, float]) -> None:
        """Log metrics on this run and on the parent, where people compare runs."""
        self._say("headline", values={k: float(v) for k, v in values.items()})

    def file(self, path: Path, folder: str = "", *, headline: bool = False) -> None:
        """Log a file (copied now, so it may change later) under `folder` of the run's artifacts.

        Args:
            path: The file.
            folder: Where in the run's artifacts; empty is the top.
            headline: Log it on the parent too, where people look first.
        """
        target = self.folder / FILES_FOLDER / folder / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        self._say(
            "file", path=str(target.relative_to(self.folder)), folder=folder, headline=headline
        )

    def dataset_input(
        self, name: str, digest: str, source: str, profile: Mapping[str, Any]
    ) -> None:
        """Log the data set as the run's MLflow input."""
        self._say("input", name=name, digest=digest, source=source, profile=dict(profile))

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Tell how far the step is; cheap, at most about ten a second are kept."""
        now = time.monotonic()
        if done < total and now - self._last_progress < 0.1:
            return
        self._last_progress = now
        self._say("progress", done=done, total=total, text=text)

    def note(self, text: str) -> None:
        """One sentence for the person who watches."""
        self._say("note", text=text)

    def _say(self, kind: str, **content: Any) -> None:
        if self._file is None:
            raise RuntimeError(f"the run of step {self.step} is not open")
        self._file.write(json.dumps({"kind": kind, "time": time.time(), **content}) + "\n")


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value if isinstance(value, str) else json.dumps(value, default=str)
    return flat
