"""Whether a version may be champion: what its tags say, and the verdict that was filed with it."""

import tempfile
from pathlib import Path

from vitforge.artifacts import VERDICT_FILE, Verdict
from vitforge.errors import RefusedError
from vitforge.registry.download import download_evidence
from vitforge.registry.model_versions import (
    CHALLENGES_TAG,
    VERDICT_TAG,
    VersionInfo,
    find_version,
)


def check_promotable(
    name: str, version: str, *, force: bool = False, tracking_uri: str | None = None
) -> VersionInfo:
    """The version, if its tags say that it may be champion.

    Args:
        name: The registered model.
        version: The version.
        force: Take a version that a gate refused, or that nobody judged.
        tracking_uri: The MLflow server; by default the environment's.

    Raises:
        RefusedError: if a gate refused it, and `force` is false.
        VitforgeError: if there is no such version.
    """
    info = find_version(name, version, tracking_uri)
    if not force and (info.verdict == "FAIL" or info.tags.get(CHALLENGES_TAG) != "true"):
        judged = f"verdict {info.verdict}" if info.verdict else "no verdict"
        raise _refusal(info, judged, f"tag {VERDICT_TAG}")
    return info


def check_evidence(
    name: str, version: str, *, force: bool = False, tracking_uri: str | None = None
) -> VersionInfo:
    """As `check_promotable`, and the verdict's own file, whose hash is recorded, agrees.

    Whoever may make a version may tag it; the tag alone proves nothing.

    Raises:
        RefusedError: if a file is not the one that was registered, or the verdict refuses.
    """
    info = check_promotable(name, version, force=force, tracking_uri=tracking_uri)
    if force:
        return info
    with tempfile.TemporaryDirectory(prefix="vitforge-evidence-") as temporary:
        folder = download_evidence(name, version, Path(temporary) / "evidence", tracking_uri)
        verdict = Verdict.load(folder / VERDICT_FILE)
    if not verdict.may_challenge or verdict.outcome != info.verdict:
        raise _refusal(info, f"its verdict.json says {verdict.outcome}", VERDICT_FILE)
    return info


def _refusal(info: VersionInfo, judged: str, where: str) -> RefusedError:
    return RefusedError(
        f"{info.name} version {info.version} may not be champion: {judged}",
        where=where,
        mend=f"see its report; to promote it all the same: vitforge promote {info.name} "
        f"{info.version} --force --reason WHY",
    )
