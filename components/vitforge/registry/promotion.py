"""A person's word: this version is the champion; or: back to the one before."""

from pathlib import Path

from vitforge.errors import VitforgeError
from vitforge.registry.aliases import drop_alias, set_alias
from vitforge.registry.evidence import check_promotable
from vitforge.registry.ledger import Action, append_row
from vitforge.registry.model_versions import (
    CHALLENGER,
    CHAMPION,
    HASHES_TAG,
    PREVIOUS,
    VersionInfo,
    alias_version,
)


def promote(
    name: str,
    version: str,
    reason: str,
    *,
    home: Path | None = None,
    force: bool = False,
    tracking_uri: str | None = None,
    action: Action = "promote",
) -> None:
    """Make a version the champion. A reconciler takes it live.

    The ledger is written first: an alias that moved has a row that says who asked.

    Args:
        name: The registered model.
        version: The version; one that is champion already stays so, without a row.
        reason: Why, in a sentence; kept in the ledger.
        home: Folder of the ledger; by default `VITFORGE_HOME` or `.vitforge`.
        force: Promote a version that a gate refused, or that nobody judged.
        tracking_uri: The MLflow server; by default the environment's.
        action: What the ledger calls it.

    Raises:
        RefusedError: if a gate refused it and `force` is false.
        VitforgeError: if there is no such version.
    """
    info = check_promotable(name, version, force=force, tracking_uri=tracking_uri)
    champion = alias_version(name, CHAMPION, tracking_uri) or ""
    if champion != version:
        append_row(
            home,
            action=action,
            name=name,
            from_version=champion,
            to_version=version,
            reason=reason,
            evidence=evidence_of(info, force),
            outcome="asked",
        )
        set_alias(name, CHAMPION, version, tracking_uri)
    if alias_version(name, CHALLENGER, tracking_uri) == version:
        drop_alias(name, CHALLENGER, tracking_uri)


def previous_version(name: str, tracking_uri: str | None = None) -> str:
    """The version to go back to.

    Raises:
        VitforgeError: if none was live before the champion.
    """
    previous = alias_version(name, PREVIOUS, tracking_uri)
    if previous is None or previous == alias_version(name, CHAMPION, tracking_uri):
        raise VitforgeError(
            f"no other version of {name} was live before, so there is nothing to go back to",
            where=f"alias {PREVIOUS}",
            mend=f"name a version: vitforge promote {name} VERSION --reason WHY",
        )
    return previous


def evidence_of(info: VersionInfo, force: bool) -> dict[str, str]:
    """What a ledger row keeps of a version's evidence."""
    import hashlib

    hashes = hashlib.sha256(info.tags.get(HASHES_TAG, "").encode()).hexdigest()
    kept = {"verdict": info.verdict or "none", "hashes": hashes}
    return kept | ({"forced": "true"} if force else {})
