"""From the registry back to files, each held against the hash it was registered with."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from vitforge.artifacts import PREDICTIONS_FILE
from vitforge.errors import RefusedError
from vitforge.registry.model_versions import CHAMPION, HASHES_TAG, alias_version, find_version
from vitforge.tracking.client import connect, resolve_tracking_uri

BUNDLE_FOLDER = "bundle"
EVIDENCE_FOLDER = "evidence"


def download_version(name: str, version: str, into: Path, tracking_uri: str | None = None) -> Path:
    """Fetch a version's bundle.

    Args:
        name: The registered model.
        version: Its version.
        into: Folder that the bundle's files are put in; appears whole or not at all.
        tracking_uri: The MLflow server; by default the environment's.

    Returns:
        `into`.

    Raises:
        RefusedError: if a file is missing, or is not the one that was registered.
        VitforgeError: if there is no such version.
    """
    return _fetch(name, version, BUNDLE_FOLDER, into, tracking_uri)


def download_evidence(name: str, version: str, into: Path, tracking_uri: str | None = None) -> Path:
    """Fetch what a version was judged by; otherwise as `download_version`."""
    return _fetch(name, version, EVIDENCE_FOLDER, into, tracking_uri)


def champion_predictions(
    name: str, into: Path, tracking_uri: str | None = None
) -> tuple[str, Path] | None:
    """The champion's predictions on its test split, to compare a challenger with.

    Args:
        name: The registered model.
        into: Folder that the champion's evidence is put in.
        tracking_uri: The MLflow server; by default the environment's.

    Returns:
        The champion's version and its `predictions.parquet`; None when there is no champion.

    Raises:
        VitforgeError: as `download_version`.
    """
    version = alias_version(name, CHAMPION, tracking_uri)
    if version is None:
        return None
    folder = download_evidence(name, version, into, tracking_uri)
    return version, folder / PREDICTIONS_FILE


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path within it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _fetch(name: str, version: str, part: str, into: Path, tracking_uri: str | None) -> Path:
    uri = resolve_tracking_uri(tracking_uri)
    info = find_version(name, version, uri)
    recorded = json.loads(info.tags.get(HASHES_TAG, "{}"))
    wanted = {
        path.removeprefix(f"{part}/"): value
        for path, value in recorded.items()
        if path.startswith(f"{part}/")
    }
    if not wanted:
        raise RefusedError(
            f"{name} version {version} was not registered by vitforge: it has no hashes",
            where=f"tag {HASHES_TAG}",
            mend="register it again: vitforge run CONFIG",
        )
    into.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=into.parent, prefix=f".{into.name}."))
    try:
        _download(info.source, part, work, uri)
        _compare(wanted, file_hashes(work / part), f"{name} version {version}")
        if into.exists():
            shutil.rmtree(into)
        (work / part).rename(into)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return into


def _download(source: str, part: str, work: Path, uri: str) -> None:
    model = connect(uri).get_logged_model(source.removeprefix("models:/"))
    from mlflow.artifacts import download_artifacts

    (work / part).mkdir()
    download_artifacts(
        artifact_uri=f"{model.artifact_location}/artifacts/{part}",
        dst_path=str(work),
        tracking_uri=uri,
    )


def _compare(wanted: dict[str, str], found: dict[str, str], what: str) -> None:
    """Raise unless the files are those that were registered: all of them, and no other."""
    for path in sorted(wanted.keys() | found.keys()):
        if wanted.get(path) == found.get(path):
            continue
        told = "is missing" if path not in found else "is not the file that was registered"
        raise RefusedError(
            f"{path} of {what} {told}",
            where=path,
            mend="do not serve it: go back with vitforge promote, or register the run again",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
