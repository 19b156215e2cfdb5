"""Moving aliases."""

import time
from collections.abc import Callable
from typing import Any

from vitforge.registry.model_versions import CHALLENGER, find_version
from vitforge.tracking.client import connect, is_missing, is_refusal, resolve_tracking_uri

TRIES = 4


def set_alias(name: str, alias: str, version: str, tracking_uri: str | None = None) -> None:
    """Point an alias at a version.

    Raises:
        VitforgeError: if the server does not answer.
    """
    client = connect(resolve_tracking_uri(tracking_uri))
    _retry(lambda: client.set_registered_model_alias(name, alias, version))


def drop_alias(name: str, alias: str, tracking_uri: str | None = None) -> None:
    """Take an alias away; one that is not there is no error."""
    client = connect(resolve_tracking_uri(tracking_uri))
    try:
        client.delete_registered_model_alias(name, alias)
    except Exception as error:
        if not (is_missing(error) or is_refusal(error)):
            raise


def set_challenger(name: str, version: str, tracking_uri: str | None = None) -> None:
    """Point `challenger` at a version.

    Raises:
        VitforgeError: if there is no such version.
    """
    find_version(name, version, tracking_uri)
    set_alias(name, CHALLENGER, version, tracking_uri)


def _retry(call: Callable[[], Any]) -> None:
    """Two first settings of an alias at once fail on PostgreSQL, for one of the two."""
    for left in reversed(range(TRIES)):
        try:
            call()
        except Exception as error:
            if not left or not is_refusal(error):
                raise
            time.sleep(0.2)
        else:
            return
