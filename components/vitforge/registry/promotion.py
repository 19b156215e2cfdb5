"""Moving aliases, and the ledger of who moved them: MLflow itself keeps no history of either."""

import getpass
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vitforge.errors import VitforgeError
from vitforge.registry.model_versions import (
    CHALLENGER,
    CHALLENGES_TAG,
    CHAMPION,
    PREVIOUS,
    VERDICT_TAG,
    VersionInfo,
    find_version,
)
from vitforge.tracking.client import connect, is_refusal, resolve_tracking_uri

LEDGER_FILE = "ledger.jsonl"
ALIAS_TRIES = 4


def promote(
    name: str,
    version: str,
    reason: str,
    *,
    home: Path | None = None,
    force: bool = False,
    tracking_uri: str | None = None,
) -> None:
    """Make a version the champion; the one before it becomes `previous`.

    Args:
        name: The registered model.
        version: The version.
        reason: Why, in a sentence; kept in the ledger.
        home: Folder of the ledger; by default `VITFORGE_HOME` or `.vitforge`.
        force: Promote a version that a gate refused, or that nobody judged.
        tracking_uri: The MLflow server; by default the environment's.

    Raises:
        VitforgeError: if there is no such version, or a gate refused it and `force` is false.
    """
    uri = resolve_tracking_uri(tracking_uri)
    info = check_promotable(name, version, force=force, tracking_uri=uri)
    client = connect(uri)
    before = {a: str(v) for a, v in client.get_registered_model(name).aliases.items()}
    champion = before.get(CHAMPION, "")
    if champion and champion != version:
        _retry(lambda: client.set_registered_model_alias(name, PREVIOUS, champion))
    _retry(lambda: client.set_registered_model_alias(name, CHAMPION, version))
    _append(
        home,
        action="promote",
        name=name,
        version=version,
        was=champion,
        verdict=info.verdict,
        forced=force,
        reason=reason,
        tracking_uri=uri,
    )


def check_promotable(
    name: str, version: str, *, force: bool = False, tracking_uri: str | None = None
) -> VersionInfo:
    """The version, if it may be champion.

    Raises:
        VitforgeError: as `promote`.
    """
    info = find_version(name, version, tracking_uri)
    if not force and (info.verdict == "FAIL" or info.tags.get(CHALLENGES_TAG) != "true"):
        judged = f"verdict {info.verdict}" if info.verdict else "no verdict"
        raise VitforgeError(
            f"{name} version {version} may not be champion: {judged}",
            where=f"tag {VERDICT_TAG}",
            mend=f"see its report; to promote it all the same: vitforge promote {name} {version} "
            "--force --reason WHY",
        )
    return info


def set_challenger(name: str, version: str, tracking_uri: str | None = None) -> None:
    """Point `challenger` at a version.

    Raises:
        VitforgeError: if there is no such version.
    """
    uri = resolve_tracking_uri(tracking_uri)
    find_version(name, version, uri)
    client = connect(uri)
    _retry(lambda: client.set_registered_model_alias(name, CHALLENGER, version))


def read_ledger(home: Path | None = None) -> tuple[dict[str, Any], ...]:
    """Every row of the ledger, oldest first."""
    path = _ledger(home)
    if not path.exists():
        return ()
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def _append(home: Path | None, **row: Any) -> None:
    path = _ledger(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"time": time.time(), "by": getpass.getuser(), **row}) + "\n"
    # One write of one line in append mode: rows of two processes never mix.
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _ledger(home: Path | None) -> Path:
    return (home or Path(os.environ.get("VITFORGE_HOME", ".vitforge"))) / LEDGER_FILE


def _retry(call: Callable[[], Any]) -> None:
    """Two first settings of an alias at once fail on PostgreSQL, for one of the two."""
    for left in reversed(range(ALIAS_TRIES)):
        try:
            call()
        except Exception as error:
            if not left or not is_refusal(error):
                raise
            time.sleep(0.2)
        else:
            return
