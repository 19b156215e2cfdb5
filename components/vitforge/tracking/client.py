"""The one way to an MLflow client: MLflow is imported late, and set to keep quiet."""

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vitforge.errors import VitforgeError

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"


def resolve_tracking_uri(tracking_uri: str | None = None) -> str:
    """The given address, or the environment's.

    Raises:
        VitforgeError: if there is neither.
    """
    found = tracking_uri or os.environ.get(TRACKING_VARIABLE, "")
    if not found:
        raise VitforgeError(
            "no MLflow server is named",
            where=TRACKING_VARIABLE,
            mend="set MLFLOW_TRACKING_URI, or use vitforge run, which starts a server",
        )
    return found


def mlflow_client(tracking_uri: str) -> "MlflowClient":
    """A client of the server at `tracking_uri`, and of the registry that it holds."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def is_refusal(error: Exception) -> bool:
    """Whether the server understood and said no, so that trying again cannot help."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.get_http_status_code() in (400, 409)


def is_missing(error: Exception) -> bool:
    """Whether the server says that the thing asked for does not exist."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.get_http_status_code() == 404


def is_reachable(tracking_uri: str) -> bool:
    """Whether something listens there; true for stores that are not behind HTTP.

    Asked before MLflow is, whose own retries block for minutes.
    """
    import socket

    parts = urlsplit(tracking_uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return True
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname, port), timeout=2.0):
            return True
    except OSError:
        return False
