"""The run tree in MLflow: one parent for the pipeline run, one child a step, each made once."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitforge.artifacts import write_atomically
from vitforge.tracking.client import is_missing
from vitforge.tracking.ids import IDS_FILE, RunIds

PARENT_TAG = "mlflow.parentRunId"
STEP_TAG = "vitforge.step"
SPOOL_TAG = "vitforge.spool"
KFP_TAG = "vitforge.kfp_run"
SPOOL_ID_FILE = "spool-id"


class RunTree:
    """Makes or finds the runs, and writes `ids.json` as they become known.

    A run is looked for by its tags before it is made: a shipper that was killed between making
    one and writing its id leaves no second one behind.

    Args:
        client: An MLflow client.
        spool: The spool's root.
        experiment: The experiment's name; made if missing.
        parent_run_id: A run to file the steps under. One that was not made for this spool is
            somebody else's to end; one that the server does not know is made anew.
        run_name: Name of the parent.
        tags: Tags of the parent.
        kfp_run_id: The Kubeflow run, which identifies the parent across pods; empty elsewhere.
    """

    def __init__(
        self,
        client: Any,
        spool: Path,
        *,
        tracking_uri: str,
        experiment: str,
        parent_run_id: str | None,
        run_name: str,
        tags: Mapping[str, str],
        kfp_run_id: str = "",
    ) -> None:
        self._client = client
        self._spool = spool
        self._tracking_uri = tracking_uri
        self._experiment = experiment
        self._given = parent_run_id
        self._run_name = run_name
        self._tags = dict(tags)
        self._identity = (KFP_TAG, kfp_run_id) if kfp_run_id else (SPOOL_TAG, _spool_id(spool))
        self._ids: RunIds | None = None
        self._owned = False

    @property
    def ids(self) -> RunIds | None:
        """What is known so far."""
        return self._ids

    @property
    def owns_parent(self) -> bool:
        """Whether ending the parent is up to us: it was made for this spool."""
        return self._owned

    def open(self, start: int) -> RunIds:
        """Find or make the parent.

        Args:
            start: When the pipeline run began, milliseconds since 1970.
        """
        if self._ids is None:
            run = self._given_parent() or self._find_or_make_parent(start)
            key, value = self._identity
            self._owned = run.data.tags.get(key) == value
            if self._owned and run.info.status != "RUNNING":
                self._client.update_run(run.info.run_id, status="RUNNING")
            self._know(
                run.info.experiment_id, run.info.run_id, self._kept_children(run.info.run_id)
            )
        assert self._ids is not None
        return self._ids

    def child(self, step: str, start: int) -> str:
        """The child run of a step, found or made; a new attempt goes on in the same run."""
        ids = self.open(start)
        if step in ids.children:
            return ids.children[step]
        found = self._search(ids.experiment_id, {PARENT_TAG: ids.parent_run_id, STEP_TAG: step})
        if found:
            run = found[0]
        else:
            run = self._client.create_run(
                ids.experiment_id,
                start_time=start,
                run_name=step,
                tags={PARENT_TAG: ids.parent_run_id, STEP_TAG: step},
            )
        children = {**ids.children, step: run.info.run_id}
        self._know(ids.experiment_id, ids.parent_run_id, children)
        return str(run.info.run_id)

    def _find_or_make_parent(self, start: int) -> Any:
        experiment = self._experiment_id()
        key, value = self._identity
        if not (found := self._search(experiment, {key: value})):
            tags = {"mlflow.source.name": "vitforge", **self._tags, key: value}
            made = self._client.create_run(
                experiment, start_time=start, run_name=self._run_name, tags=tags
            )
            # Two pods may have made one at the same time: the first stays, for both.
            found = self._search(experiment, {key: value}) or [made]
            if found[0].info.run_id != made.info.run_id:
                self._client.delete_run(made.info.run_id)
        return found[0]

    def _given_parent(self) -> Any:
        """The run that was named; None when none was, or this server does not know it."""
        if self._given is None:
            return None
        try:
            return self._client.get_run(self._given)
        except Exception as error:
            if is_missing(error):
                return None
            raise

    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        if found is None:
            try:
                return str(self._client.create_experiment(self._experiment))
            except Exception:  # made by another process meanwhile
                found = self._client.get_experiment_by_name(self._experiment)
                if found is None:
                    raise
        return str(found.experiment_id)

    def _search(self, experiment: str, tags: Mapping[str, str]) -> list[Any]:
        wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        order = ["attributes.start_time ASC", "attributes.run_id ASC"]
        return list(self._client.search_runs([experiment], wanted, order_by=order))

    def _kept_children(self, parent: str) -> dict[str, str]:
        path = self._spool / IDS_FILE
        kept = RunIds.load(path) if path.exists() else None
        if kept is None or kept.parent_run_id != parent:
            return {}
        return {step: run for step, run in kept.children.items() if self._exists(run)}

    def _exists(self, run_id: str) -> bool:
        try:
            self._client.get_run(run_id)
        except Exception as error:
            if is_missing(error):
                return False
            raise
        return True

    def _know(self, experiment: str, parent: str, children: dict[str, str]) -> None:
        self._ids = RunIds(
            tracking_uri=self._tracking_uri,
            experiment_id=experiment,
            parent_run_id=parent,
            children=children,
        )
        self._ids.save(self._spool / IDS_FILE)


def _spool_id(spool: Path) -> str:
    path = spool / SPOOL_ID_FILE
    if not path.exists():
        write_atomically(path, uuid.uuid4().hex.encode())
    return path.read_text()
