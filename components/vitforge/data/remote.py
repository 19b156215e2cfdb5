"""Data that lies elsewhere: a local copy, made once, that a changed original replaces."""

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vitforge.errors import VitforgeError

SCHEMES = ("s3://", "gs://", "gcs://", "https://", "http://")
_AT_ONCE = 16


def is_remote(source: str) -> bool:
    """Whether a source is a URL."""
    return source.startswith(SCHEMES)


def fetch(source: str) -> Path:
    """Copy a remote file, or everything under a remote folder, and say where the copy is.

    What is there already and has not changed (size and the store's own tag) is not copied again,
    so a copy that was broken off goes on where it stopped.

    Args:
        source: URL of a folder (`s3`, `gs`) or of a file (a manifest or a tar).

    Raises:
        VitforgeError: if the scheme needs a package that is missing, or nothing can be read.
    """
    files, base = _open(source)
    try:
        if files.isfile(base):
            return fetch_file(source)
        listed = files.find(base, detail=True)
    except Exception as error:
        raise _unreachable(source, error) from None
    if not listed:
        raise VitforgeError("there is nothing under this URL", where=source, mend="check the name")
    folder = _cache(source)
    wanted = {
        folder / Path(name[len(base) :].lstrip("/")): (name, info)
        for name, info in listed.items()
        if not name.endswith("/")
    }
    for path in wanted:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise VitforgeError(f"a name leads out of the folder: {path.name}", where=source)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        copies = [
            pool.submit(_copy, files, name, info, path, source)
            for path, (name, info) in wanted.items()
        ]
        for copy in copies:
            copy.result()
    for path in folder.rglob("*"):
        if path.is_file() and path not in wanted and not path.name.startswith(".tag-"):
            path.unlink()  # gone from the original
    return folder


def fetch_file(source: str) -> Path:
    """Copy one remote file, unless the copy is still good."""
    files, name = _open(source)
    try:
        info = files.info(name)
    except Exception as error:
        raise _unreachable(source, error) from None
    path = _cache(source) / Path(name.split("?")[0]).name
    _copy(files, name, info, path, source)
    return path


def _copy(files: Any, name: str, info: dict[str, Any], path: Path, source: str) -> None:
    tag = "".join(str(info.get(key, "")) for key in ("size", "ETag", "etag", "mtime", "crc32c"))
    mark = path.with_name(f".tag-{path.name}")
    if path.exists() and mark.exists() and mark.read_text() == tag:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".tag-part-")
    os.close(handle)
    try:
        files.get_file(name, part)
        Path(part).replace(path)
        mark.write_text(tag)
    except Exception as error:
        raise _unreachable(f"{source} ({path.name})", error) from None
    finally:
        Path(part).unlink(missing_ok=True)


def _open(source: str) -> tuple[Any, str]:
    import fsspec

    try:
        files, name = fsspec.core.url_to_fs(source)
    except ImportError as error:
        raise VitforgeError(
            f"this address needs a package that is not installed: {error}",
            where=source,
            mend="pip install 'vitforge[gs]'" if source.startswith("g") else "make install",
        ) from None
    return files, name.rstrip("/")


def _cache(source: str) -> Path:
    home = Path(os.environ.get("VITFORGE_HOME") or Path("~/.cache/vitforge").expanduser())
    name = source.rstrip("/").split("?")[0].rsplit("/", 1)[-1]
    folder = home / "remote" / hashlib.sha256(source.encode()).hexdigest()[:16] / name
    if Path(name).suffix:
        folder = folder.parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def _unreachable(source: str, error: Exception) -> VitforgeError:
    return VitforgeError(
        f"the data cannot be read: {type(error).__name__}: {str(error)[:200]}",
        where=source,
        mend="check the name and the credentials (AWS_PROFILE, AWS_ENDPOINT_URL, "
        "GOOGLE_APPLICATION_CREDENTIALS), or copy the data to a local folder",
    )
