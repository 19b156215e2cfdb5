"""The one way to an MLflow client: MLflow is imported late, and set to keep quiet."""

import logging
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vitforge.errors import VitforgeError

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""What MLflow would print or send, unless the environment says otherwise."""


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


def connect(tracking_uri: str) -> "MlflowClient":
    """A client of a server that answers now.

    Raises:
        VitforgeError: if nothing listens there. MLflow alone would try again for four minutes.
    """
    if not is_reachable(tracking_uri):
        raise VitforgeError(
            "the MLflow server does not answer",
            where=tracking_uri,
            mend="start it, or set MLFLOW_TRACKING_URI to one that runs",
        )
    return mlflow_client(tracking_uri)


def mlflow_client(tracking_uri: str) -> "MlflowClient":
    """A client of the server at `tracking_uri`, and of the registry that it holds."""
    for variable, value in QUIET.items():
        os.environ.setdefault(variable, value)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # its word on each retry
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
