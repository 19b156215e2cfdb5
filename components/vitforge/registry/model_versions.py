"""What the registry knows of a model: its versions, their aliases, their evidence."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from vitforge.errors import VitforgeError
from vitforge.tracking.client import connect, is_missing, is_refusal, resolve_tracking_uri

CHAMPION, CHALLENGER, PREVIOUS, DEPLOYED = "champion", "challenger", "previous", "deployed"
KEY_TAG = "vitforge.key"
"""Run and content that a version was made from: the same ones never make two versions."""
HASHES_TAG = "vitforge.hashes"
"""SHA-256 of every file that was filed, JSON."""
VERDICT_TAG = "vitforge.verdict"
ALIAS_ROUTE = "/api/2.0/mlflow/registered-models/alias"
CHALLENGES_TAG = "vitforge.may_challenge"
REJECTED_TAG = "promotion.rejected"
FINGERPRINT_TAG = "vitforge.dataset_fingerprint"


@dataclass(frozen=True)
class VersionInfo:
    """One version of a registered model."""

    name: str
    version: str
    aliases: tuple[str, ...]
    verdict: str
    """PASS, FAIL or INCONCLUSIVE; empty when nobody judged it."""
    run_id: str
    created: int
    """Milliseconds since 1970."""
    source: str
    tags: dict[str, str]


def alias_version(name: str, alias: str, tracking_uri: str | None = None) -> str | None:
    """The version that an alias points at, or None.

    Raises:
        VitforgeError: if no MLflow server is named, or it does not answer.
    """
    uri = resolve_tracking_uri(tracking_uri)
    if (answer := _ask_here(uri, name, alias)) is not None:
        return answer or None
    try:
        return str(connect(uri).get_model_version_by_alias(name, alias).version)
    except Exception as error:
        if is_missing(error) or is_refusal(error):
            return None
        raise


def _ask_here(uri: str, name: str, alias: str) -> str | None:
    """Ask a server on this machine over MLflow's REST API, without importing MLflow for it.

    Returns:
        The version, an empty string when the alias points nowhere, or None: ask MLflow's client.

    Source: https://mlflow.org/docs/latest/api_reference/rest-api.html
    """
    parts = urlsplit(uri)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost"):
        return None
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=10.0)
    try:
        query = urlencode({"name": name, "alias": alias})
        connection.request("GET", f"{parts.path.rstrip('/')}{ALIAS_ROUTE}?{query}")
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    if response.status == 200:
        return str(answer["model_version"]["version"])
    # MLflow calls a missing alias an invalid parameter.
    missing = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
    return "" if answer.get("error_code") in missing else None


def versions(name: str, tracking_uri: str | None = None) -> tuple[VersionInfo, ...]:
    """Every version of a model, newest first.

    Raises:
        VitforgeError: if there is no such model; `mend` names those that exist.
    """
    client = connect(resolve_tracking_uri(tracking_uri))
    try:
        aliases = client.get_registered_model(name).aliases
    except Exception as error:
        if not is_missing(error):
            raise
        known = sorted(model.name for model in client.search_registered_models())
        raise VitforgeError(
            f"no model is registered as {name!r}",
            mend=f"registered are: {', '.join(known)}" if known else "vitforge run CONFIG",
        ) from None
    found = client.search_model_versions(f"name = '{name}'")
    infos = (_info(one, aliases) for one in found)
    return tuple(sorted(infos, key=lambda info: int(info.version), reverse=True))


def find_version(name: str, version: str, tracking_uri: str | None = None) -> VersionInfo:
    """One version.

    Raises:
        VitforgeError: if there is no such model or version; `mend` names those that exist.
    """
    known = versions(name, tracking_uri)
    for info in known:
        if info.version == version:
            return info
    listed = ", ".join(info.version for info in known)
    raise VitforgeError(
        f"{name} has no version {version}",
        mend=f"there are: {listed}" if listed else "vitforge run CONFIG",
    )


def reject(name: str, version: str, reason: str, tracking_uri: str | None = None) -> None:
    """Tag a version with why it did not go live."""
    client = connect(resolve_tracking_uri(tracking_uri))
    client.set_model_version_tag(name, version, REJECTED_TAG, reason)


def _info(found: Any, aliases: dict[str, str]) -> VersionInfo:
    version = str(found.version)
    return VersionInfo(
        name=found.name,
        version=version,
        aliases=tuple(sorted(alias for alias, at in aliases.items() if str(at) == version)),
        verdict=found.tags.get(VERDICT_TAG, ""),
        run_id=found.run_id or "",
        created=found.creation_timestamp,
        source=found.source,
        tags=dict(found.tags),
    )
