"""Which kind of source a name means, and a cheap word for its state."""

import difflib
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vitforge.config import DataConfig
from vitforge.data.files import MANIFEST_SUFFIXES, find_manifest
from vitforge.data.remote import is_remote
from vitforge.data.slices import check_slices
from vitforge.data.unpacked import TARS, is_tar
from vitforge.errors import VitforgeError

if TYPE_CHECKING:
    from vitforge.data.raw import RawDataset

DIGITS = "digits"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


Kind = Literal["digits", "folder", "manifest", "tars", "saved", "remote", "hub"]


def check_source(source: str) -> Kind:
    """Tell what kind of source a name means; looks at the name and the top folder only.

    Args:
        source: `digits`, a folder (of classes, of splits of classes, of tars, with a
            `metadata.csv`, or written by `save_to_disk`), a manifest, a tar, a URL of one of
            these, or a hub id `OWNER/NAME`.

    Raises:
        VitforgeError: if it is none of these; names the nearest that is there.
    """
    path = Path(source).expanduser()
    if source == DIGITS:
        return "digits"
    if is_remote(source):
        return "remote"
    if path.is_dir():
        if (path / "dataset_dict.json").exists() or (path / "state.json").exists():
            return "saved"
        if find_manifest(path):
            return "manifest"
        return "tars" if any(map(is_tar, path.iterdir())) else "folder"
    if is_tar(path) and path.is_file():
        return "tars"
    if path.suffix in MANIFEST_SUFFIXES and path.is_file():
        return "manifest"
    named_as_file = is_tar(path) or path.suffix in MANIFEST_SUFFIXES
    if path.exists():
        raise VitforgeError(
            "the data set is a file, not a folder",
            where=source,
            mend="name the folder that holds one folder per class, a manifest "
            f"({', '.join(MANIFEST_SUFFIXES)}) or a tar ({', '.join(TARS)}); unpack other archives",
        )
    # `photos/flowers` may be either; where `photos` exists here, a folder was meant.
    if _HUB_ID.fullmatch(source) and not named_as_file and not path.parent.exists():
        return "hub"
    raise VitforgeError(f"there is no data set {source!r}", where=source, mend=_nearest(path))


def read_source(source: str, config: DataConfig | None = None) -> "RawDataset":
    """List the images of a source; none is decoded yet.

    Raises:
        VitforgeError: if there is no such source, or it is not laid out as a data set.
    """
    config = config or DataConfig()
    kind = check_source(source)
    if kind in ("digits", "folder", "tars"):
        check_slices((), config, source)
    if kind == "digits":
        from vitforge.data.digits import read_digits

        return read_digits()
    if kind == "hub":
        from vitforge.data.hub import read_hub

        return read_hub(source, config)
    if kind == "remote":
        from vitforge.data.remote import fetch

        return read_source(str(fetch(source)), config)
    path = Path(source).expanduser()
    if kind == "folder":
        from vitforge.data.folder import read_folder

        return read_folder(path, config)
    if kind == "manifest":
        from vitforge.data.manifest import read_manifest

        return read_manifest((path.is_dir() and find_manifest(path)) or path, config)
    if kind == "tars":
        from vitforge.data.tars import read_tars

        tars = sorted(filter(is_tar, path.iterdir())) if path.is_dir() else [path]
        return read_tars(tars, config, path.resolve().name.split(".")[0])
    from vitforge.data.hub import read_saved

    return read_saved(path, config)


def source_digest(source: str) -> str:
    """Digest of every file's name, size and modification time; contents are not read.

    Args:
        source: As for `check_source`.

    Returns:
        16 hex digits; empty where `source` is neither a local folder nor a file.
    """
    root = Path(source).expanduser()
    if source == DIGITS or not root.exists():
        return ""
    if root.is_file():
        stat = root.stat()
        told = f"{stat.st_size}\0{stat.st_mtime_ns}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            file = os.path.join(folder, name)  # noqa: PTH118 - a Path a file is far slower
            stat = os.lstat(file)
            inner = file[len(str(root)) :]
            digest.update(f"{inner}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]


def _nearest(path: Path) -> str:
    known = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
    if path.parent == Path():
        known.append(DIGITS)
    near = difflib.get_close_matches(path.name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {path.parent / near[0]}?"
    return "name a folder with one folder per class, a hub id OWNER/NAME, or digits"
