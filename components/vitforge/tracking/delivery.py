"""One step's spool on its way to MLflow: every event sent, none twice, counted at the end."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vitforge.tracking.runs import RunTree
from vitforge.tracking.sender import Sender, key_of
from vitforge.tracking.spool import (
    BOOKMARK_FILE,
    Batch,
    Bookmark,
    Event,
    batches,
    load_bookmark,
    milliseconds,
    points,
    points_of,
)
from vitforge.tracking.system import SystemSampler

SAMPLE_SECONDS = 3.0
SAMPLES_KEPT = 1000
KINDS = ("metrics", "headline", "params", "tags", "file", "input", "note")
ERROR_KEYS = ("cause", "where", "mend")


class RestartError(Exception):
    """MLflow lacks what it was given before: the step's spool is sent again from its start."""


class Delivery:
    """Sends one step's events to its child run.

    An event counts as sent when MLflow has taken it and the bookmark says so. A kill between the
    two makes it be sent again; MLflow takes it for the same point, as its time and step are the
    event's own.
    """

    def __init__(self, client: Any, folder: Path, tree: RunTree) -> None:
        self.folder = folder
        self.step = folder.name
        self.bookmark = load_bookmark(folder)
        self._client = client
        self._tree = tree
        self._sampler: SystemSampler | None = None
        self._samples: list[Any] = []
        self._sampled = 0.0

    def advance(self) -> None:
        """Send everything that is written.

        Raises:
            RestartError: if what was sent is not all there; the next call sends it again.
            Exception: whatever the client raises while the server is away; nothing is lost.
        """
        for batch in batches(self.folder, self.bookmark.offset):
            self._send(batch)
        if self.bookmark.run_id:
            self._send_samples(self._sender(self.bookmark.run_id))

    def sample(self) -> None:
        """Take the step's system metrics, if it is time to."""
        from mlflow.entities import Metric

        now = time.time()
        if self._sampler is None or now - self._sampled < SAMPLE_SECONDS:
            return
        self._sampled = now
        values = self._sampler.sample()
        self._samples += [Metric(key, value, int(now * 1000), 0) for key, value in values.items()]
        del self._samples[:-SAMPLES_KEPT]

    def _send(self, batch: Batch) -> None:
        first, last = batch.events[0], batch.events[-1]
        start = milliseconds(first)
        run_id = self._open(start)
        child = self._sender(run_id)
        parent = self._sender(self._tree.open(start).parent_run_id)
        of = {kind: [e for e in batch.events if e.get("kind") == kind] for kind in KINDS}
        headline = [point for event in of["headline"] for point in points_of(event)]
        if first.get("kind") == "start":
            self._start(run_id, first)
        child.metrics([p for event in of["metrics"] for p in points_of(event)] + headline)
        parent.metrics(headline)
        self._send_params(child, parent, of["params"])
        child.tags(pair for event in of["tags"] for pair in event["values"].items())
        for event in of["file"]:
            for run in (child, parent) if event.get("headline") else (child,):
                run.file(self.folder / event["path"], event["folder"])
        for event in of["input"]:
            child.dataset_input(event)
            parent.dataset_input(event)
        if of["note"]:
            self._keep(notes=(*self.bookmark.notes, *(event["text"] for event in of["note"])))
            child.tags([("mlflow.note.content", "\n\n".join(self.bookmark.notes))])
        if last.get("kind") == "end":
            self._end(run_id, last, child, parent)
        self._keep(offset=batch.end)
        self._save()

    def _open(self, start: int) -> str:
        run_id = self._tree.child(self.step, start)
        if run_id != self.bookmark.run_id:
            known = self.bookmark.run_id
            self.bookmark = Bookmark(run_id=run_id)
            self._save()
            if known:
                raise RestartError(f"run {known} is not on this server")
        return run_id

    def _start(self, run_id: str, event: Event) -> None:
        self._keep(status="")
        self._sampler = SystemSampler(event.get("pid", 0), event.get("host", ""))
        self._client.update_run(run_id, status="RUNNING")

    def _end(self, run_id: str, event: Event, child: Sender, parent: Sender) -> None:
        reasons = [(f"vitforge.{key}", event[key]) for key in ERROR_KEYS if event.get(key)]
        if reasons:
            child.tags(reasons)
            parent.tags([("vitforge.failed_step", self.step), *reasons])
        self._send_samples(child)
        self._sampler = None
        self._check(run_id)
        self._client.set_terminated(run_id, event["status"], milliseconds(event))
        self._keep(status=event["status"])

    def _check(self, run_id: str) -> None:
        """Count what MLflow holds against what was written, before the run may say it ended."""
        written: dict[str, int] = {}
        for name, *_ in points(self.folder):
            written[key_of(name)] = written.get(key_of(name), 0) + 1
        held = self._client.get_run(run_id).data.metrics
        refused = {what.split(": ")[0] for what in self.bookmark.refused}
        for name, count in written.items():
            if f"metrics {name}" in refused:
                continue
            got = int(name in held)
            if count > 1:  # the run itself tells only the last point of each metric
                got = len(self._client.get_metric_history(run_id, name))
            if got < count:
                self._keep(offset=0)
                self._save()
                raise RestartError(f"MLflow holds {got} of {count} points of {name}")

    def _send_params(self, child: Sender, parent: Sender, events: Sequence[Event]) -> None:
        """Parameters never change in MLflow: what a later attempt says differently is a tag.

        The parent gets them too: there people filter and compare runs.
        """
        known, changed = dict(self.bookmark.params), {}
        for key, value in (pair for event in events for pair in event["values"].items()):
            if known.setdefault(key, value) != value:
                changed[f"vitforge.changed.{key}"] = value
        new = {k: v for k, v in known.items() if k not in self.bookmark.params}
        child.params(new)
        parent.params(new)
        child.tags(changed.items())
        self._keep(params=known)

    def _send_samples(self, child: Sender) -> None:
        child.entities("metrics", self._samples)
        self._samples = []

    def _sender(self, run_id: str) -> Sender:
        return Sender(self._client, run_id, self._refuse)

    def _refuse(self, what: str, error: Exception) -> None:
        self._keep(refused=(*self.bookmark.refused, f"{what}: {error}"[:500]))

    def _keep(self, **values: Any) -> None:
        self.bookmark = self.bookmark.model_copy(update=values)

    def _save(self) -> None:
        self.bookmark.save(self.folder / BOOKMARK_FILE)
