"""Sends the steps' spool to MLflow, and never stands in training's way.

The local runner has one `Shipper` for all steps. On a cluster each step starts
`python -m vitforge.tracking.shipper SPOOL` beside itself.
"""

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitforge.tracking.client import TRACKING_VARIABLE, is_reachable, mlflow_client
from vitforge.tracking.delivery import Delivery, RestartError
from vitforge.tracking.ids import RunIds
from vitforge.tracking.runs import RunTree
from vitforge.tracking.spool import closes, pending, say_failed
from vitforge.tracking.step import EVENTS_FILE

POLL_SECONDS = 0.5
LONGEST_PAUSE = 30.0
DEFAULT_EXPERIMENT = "vitforge"
LAST_STEP = "deploy_model"
"""The step after which a pipeline run on a cluster, where nobody watches over it, has ended."""


@dataclass(frozen=True)
class Shipped:
    """What became of a spool."""

    parent_run_id: str
    experiment_id: str
    pending: int
    """Events that MLflow does not hold; they stay in the spool."""
    refused: tuple[str, ...]
    """What MLflow said no to, and why."""
    error: str
    """Why the last attempt failed; empty when everything is there."""


class Shipper:
    """Tails every step's folder of a spool and files it under one run tree.

    A server that is down or slow is tried again, ever more rarely, until `close`.

    Args:
        spool: The spool's root.
        tracking_uri: The MLflow server.
        experiment: Name of the experiment; made if missing.
        parent_run_id: A run of somebody else's to file the steps under.
        run_name: Name of the parent run.
        tags: Tags of the parent run.
        kfp_run_id: The Kubeflow run that the parent stands for; empty elsewhere.
    """

    def __init__(
        self,
        spool: Path,
        *,
        tracking_uri: str,
        experiment: str,
        parent_run_id: str | None = None,
        run_name: str = "",
        tags: Mapping[str, str] | None = None,
        kfp_run_id: str = "",
    ) -> None:
        spool.mkdir(parents=True, exist_ok=True)
        self._spool = spool
        self._tracking_uri = tracking_uri
        self._started = int(time.time() * 1000)
        self._tree_arguments: dict[str, Any] = {
            "tracking_uri": tracking_uri,
            "experiment": experiment,
            "parent_run_id": parent_run_id,
            "run_name": run_name,
            "tags": tags or {},
            "kfp_run_id": kfp_run_id,
        }
        self._tree: RunTree | None = None
        self._client: Any = None
        self._deliveries: dict[str, Delivery] = {}
        self._error = ""
        self._status: str | None = None
        self._ended = False
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)

    def start(self) -> None:
        """Start sending, in a thread."""
        self._thread.start()

    @property
    def parent_run_id(self) -> str:
        """The parent's id; waits until the server has given one, or sending has ended."""
        while self._thread.is_alive() and not self._known_parent:
            time.sleep(0.05)
        return self._known_parent

    def fail(self, step: str, cause: str = "the step was killed") -> None:
        """Close a step that ended without a word, as FAILED."""
        say_failed(self._spool / step, cause, mend="run the same command again to go on from here")

    def close(self, timeout: float = 30.0, status: str | None = None) -> Shipped:
        """Send what is left, end the parent run, and tell what became of it all.

        Args:
            timeout: Seconds; what is not sent by then stays in the spool.
            status: How the parent ended; by default the worst of its steps.
        """
        self._status = status
        self._closing.set()
        self._thread.join(timeout)
        self._abandoned.set()
        deliveries = list(self._deliveries.values())
        return Shipped(
            parent_run_id=self._known_parent,
            experiment_id=self._ids.experiment_id if self._ids else "",
            pending=sum(map(pending, self._folders())),
            refused=tuple(what for one in deliveries for what in one.bookmark.refused),
            error="" if self._ended else self._error or f"not done within {timeout:g} s",
        )

    @property
    def _known_parent(self) -> str:
        return self._ids.parent_run_id if self._ids else ""

    @property
    def _ids(self) -> RunIds | None:
        return self._tree.ids if self._tree else None

    def _run(self) -> None:
        pause = POLL_SECONDS
        while not self._ended and not self._abandoned.is_set():
            closing = self._closing.is_set()
            try:
                self._pass()
                if closing:
                    self._end_parent()
                pause, self._error = POLL_SECONDS, ""
            except Exception as error:  # tracking may fail in any way; training must not
                self._error = f"{type(error).__name__}: {error}"
                pause = min(LONGEST_PAUSE, 2 * pause)
            if closing and not self._ended:
                self._abandoned.wait(min(pause, 1.0))
            else:
                self._closing.wait(pause)

    def _pass(self) -> None:
        if not is_reachable(self._tracking_uri):
            raise ConnectionError(f"nothing answers at {self._tracking_uri}")
        if self._tree is None:
            self._client = mlflow_client(self._tracking_uri)
            self._tree = RunTree(self._client, self._spool, **self._tree_arguments)
        self._tree.open(self._started)
        for folder in self._folders():
            if folder.name not in self._deliveries:
                self._deliveries[folder.name] = Delivery(self._client, folder, self._tree)
        for delivery in self._deliveries.values():
            delivery.sample()
            try:
                delivery.advance()
            except RestartError:
                delivery.advance()

    def _folders(self) -> list[Path]:
        return sorted(path.parent for path in self._spool.glob(f"*/{EVENTS_FILE}"))

    def _end_parent(self) -> None:
        assert self._tree is not None
        if self._tree.owns_parent and self._status != "RUNNING":
            ends = {one.bookmark.status for one in self._deliveries.values()}
            worst = next((end for end in ("FAILED", "KILLED") if end in ends), "FINISHED")
            self._client.set_terminated(self._known_parent, self._status or worst)
        self._ended = True


def main(spool: Path) -> int:
    """Ship one step's spool from beside the step, until it has ended and all is sent."""
    uri = os.environ.get(TRACKING_VARIABLE, "")
    if not uri:
        print(f"{TRACKING_VARIABLE} is not set: nothing goes to MLflow, the spool stays in {spool}")
        return 0
    watched = os.getppid()
    shipper = Shipper(
        spool,
        tracking_uri=uri,
        experiment=os.environ.get("MLFLOW_EXPERIMENT_NAME", DEFAULT_EXPERIMENT),
        parent_run_id=os.environ.get("MLFLOW_RUN_ID") or None,
        run_name=os.environ.get("KFP_RUN_NAME", "vitforge-training"),
        kfp_run_id=os.environ.get("KFP_RUN_ID", ""),
    )
    shipper.start()
    folders: list[Path] = []
    while not folders or not all(closes(folder) for folder in folders):
        folders = [path.parent for path in spool.glob(f"*/{EVENTS_FILE}")]
        if os.getppid() != watched:  # the step's process is gone
            for folder in folders:
                if not closes(folder):
                    shipper.fail(folder.name)
            break
        time.sleep(0.1)
    return _finish(shipper, folders)


def _finish(shipper: Shipper, folders: list[Path]) -> int:
    timeout = float(os.environ.get("VITFORGE_SHIP_SECONDS", "300"))
    ends = {folder.name: closes(folder) for folder in folders}
    failed = next((end for end in ends.values() if end not in ("", "FINISHED")), "")
    status = failed or ("FINISHED" if LAST_STEP in ends else "RUNNING")
    shipped = shipper.close(timeout, status)
    for what in shipped.refused:
        print(f"MLflow refused {what}", file=sys.stderr)
    if shipped.error:
        print(f"{shipped.pending} events did not reach MLflow: {shipped.error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
