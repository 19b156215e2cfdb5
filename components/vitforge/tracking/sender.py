"""Events as MLflow calls on one run: within MLflow's limits, one bad item taking no other along."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vitforge.tracking.client import is_refusal
from vitforge.tracking.spool import Event, Point

METRICS_A_CALL = 1000
PAIRS_A_CALL = 100
PARAM_LENGTH = 6000
TAG_LENGTH = 5000
DIGEST_LENGTH = 36
"""The longest digest of a data set that MLflow stores, characters."""


class Sender:
    """Writes to one run.

    Args:
        client: An MLflow client.
        run_id: The run.
        refused: Told what MLflow said no to, and why: trying that again cannot help.

    Every method raises what the client raises while the server is away.
    """

    def __init__(self, client: Any, run_id: str, refused: Callable[[str, Exception], None]) -> None:
        self._client = client
        self._run_id = run_id
        self._refused = refused

    def metrics(self, found: Sequence[Point]) -> None:
        """Log metric points, with their own times."""
        from mlflow.entities import Metric

        self.entities(
            "metrics",
            [
                Metric(key_of(name), float("nan") if value is None else value, moment, step)
                for name, moment, step, value in found
            ],
            METRICS_A_CALL,
        )

    def params(self, values: Mapping[str, str]) -> None:
        """Log parameters."""
        from mlflow.entities import Param

        params = [Param(key_of(key), value[:PARAM_LENGTH]) for key, value in values.items()]
        self.entities("params", params, PAIRS_A_CALL)

    def tags(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Set tags; of a key said twice, the last."""
        from mlflow.entities import RunTag

        tags = [RunTag(key_of(key), str(value)[:TAG_LENGTH]) for key, value in dict(pairs).items()]
        self.entities("tags", tags, PAIRS_A_CALL)

    def file(self, path: Path, folder: str) -> None:
        """Upload a file under `folder` of the run's artifacts."""
        if not path.is_file():
            self._refused(f"file {path.name}", FileNotFoundError("no longer in the spool"))
            return
        self._try(
            f"file {path.name}",
            lambda: self._client.log_artifact(self._run_id, str(path), folder or None),
        )

    def dataset_input(self, event: Event) -> None:
        """Log the data set of an `input` event."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=event["name"],
            digest=event["digest"][:DIGEST_LENGTH],
            source_type="vitforge",
            source=json.dumps({"uri": event["source"]}),
            profile=json.dumps(event["profile"]),
        )
        inputs = [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])]
        self._try(
            f"input {event['name']}",
            lambda: self._client.log_inputs(self._run_id, datasets=inputs),
        )

    def entities(self, kind: str, items: Sequence[Any], a_call: int = METRICS_A_CALL) -> None:
        """Log MLflow entities of one kind, at most `a_call` at a time."""
        for start in range(0, len(items), a_call):
            self._log_batch(kind, items[start : start + a_call])

    def _log_batch(self, kind: str, items: Sequence[Any]) -> None:
        try:
            self._client.log_batch(self._run_id, **{kind: items}, synchronous=True)
        except Exception as error:
            if not is_refusal(error):
                raise
            if len(items) == 1:
                self._refused(f"{kind} {items[0].key}", error)
                return
            for item in items:
                self._log_batch(kind, [item])

    def _try(self, what: str, call: Callable[[], Any]) -> None:
        try:
            call()
        except Exception as error:
            if not is_refusal(error):
                raise
            self._refused(what, error)


def key_of(name: str) -> str:
    """The name, with what MLflow does not allow in one replaced."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:250]
