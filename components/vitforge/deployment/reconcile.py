"""Making what is live agree with what a person called the champion."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vitforge import registry
from vitforge.artifacts import Deployment
from vitforge.config import DeploymentConfig
from vitforge.deployment import local
from vitforge.deployment.rehearsal import Rehearsal, rehearse
from vitforge.errors import RefusedError, VitforgeError
from vitforge.registry import CHAMPION, DEPLOYED, PREVIOUS

BY_ALIAS = "the alias in MLflow"
"""Who asked, where nobody asked the ledger: MLflow does not say who moves an alias."""


@dataclass(frozen=True)
class Reconciliation:
    """What was found, and done about it."""

    outcome: Literal["agrees", "deployed", "refused", "kept"]
    """`kept`: there is no champion, so what is live stays live."""
    champion: str
    """After what was done; empty when there is none."""
    detail: str
    deployment: Deployment | None = None
    refused: RefusedError | None = None


def reconcile(
    name: str,
    config: DeploymentConfig,
    *,
    home: Path | None = None,
    rehearsal: Rehearsal | None = None,
) -> Reconciliation:
    """Take the champion live, if it is not and its evidence and hashes allow it.

    Killed at any point, it is finished by the next call: every state but the agreed one leads
    through the same steps, and each of them may be done twice. One call at a time works on a
    model; others wait. A refused version is tagged with the reason, and `champion` goes back to
    what is live, but only if it still points at the refused version.

    Args:
        name: Registered model.
        config: Address, variant, time allowed.
        home: Folder of the ledger; by default `VITFORGE_HOME` or `.vitforge`.
        rehearsal: What the champion's rehearsal found, if it was rehearsed a moment ago.

    Raises:
        VitforgeError: if something that is not the version's fault stands in the way (MLflow, a
            port); what was live stays live, and the next call tries again.
    """
    with _one_at_a_time(name):
        champion = registry.alias_version(name, CHAMPION) or ""
        deployed = registry.alias_version(name, DEPLOYED) or ""
        live = local.status(name)
        if not champion:
            stays = f"version {live.version} stays live" if live else "nothing is live"
            return Reconciliation("kept", "", f"{name} has no champion: {stays}")
        told = registry.last_row(home, name, "deployed")
        if live and champion == deployed == live.version == (told.to_version if told else ""):
            return Reconciliation("agrees", champion, f"version {champion} is champion and live")
        before = deployed or (live.version if live else "")
        try:
            return _take_live(name, champion, before, config, home, rehearsal)
        except RefusedError as error:
            return _turn_back(name, champion, before, error, home)


def _take_live(
    name: str,
    champion: str,
    before: str,
    config: DeploymentConfig,
    home: Path | None,
    rehearsal: Rehearsal | None,
) -> Reconciliation:
    asked = registry.last_row(home, name, "asked", champion)
    forced = bool(asked and asked.evidence.get("forced"))
    # What was live once was judged then; its hashes are checked again all the same.
    known = registry.last_row(home, name, "deployed", champion) is not None
    info = registry.check_evidence(name, champion, force=forced or known)
    bundle = local.fetch_bundle(name, champion)
    live = local.status(name)
    if rehearsal is None and not (live and live.version == champion):
        log = local.deployments_folder(name) / "logs" / f"version-{champion}.log"
        try:
            rehearsal = rehearse(bundle, name=name, version=champion, config=config, log=log)
        except VitforgeError as error:
            raise RefusedError(error.cause, where=error.where, mend=error.mend) from error
    done = local.go_live(name, champion, config, bundle=bundle, rehearsal=rehearsal)
    if before and before != champion:
        registry.set_alias(name, PREVIOUS, before)
    registry.set_alias(name, DEPLOYED, champion)
    registry.append_row(
        home,
        action="deploy",
        name=name,
        from_version=before,
        to_version=champion,
        by=asked.by if asked else BY_ALIAS,
        reason=asked.reason if asked else "",
        evidence=registry.evidence_of(info, forced),
        outcome="deployed",
    )
    return Reconciliation("deployed", champion, f"version {champion}: {done.detail}", done)


def _turn_back(
    name: str, champion: str, before: str, error: RefusedError, home: Path | None
) -> Reconciliation:
    registry.reject(name, champion, error.cause)
    if registry.alias_version(name, CHAMPION) == champion:
        if before and before != champion:
            registry.set_alias(name, CHAMPION, before)
        else:
            registry.drop_alias(name, CHAMPION)
    registry.append_row(
        home,
        action="deploy",
        name=name,
        from_version=before,
        to_version=champion,
        by=BY_ALIAS,
        reason=error.cause,
        outcome="refused",
    )
    now = registry.alias_version(name, CHAMPION) or ""
    stays = f"version {now} stays champion" if now else "there is no champion now"
    return Reconciliation(
        "refused", now, f"version {champion} was refused: {error.cause}; {stays}", None, error
    )


@contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    path = local.deployments_folder(name) / "reconcile.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back by the kernel, however the process ends
        yield
