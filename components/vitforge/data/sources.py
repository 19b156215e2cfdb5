"""Which kind of source a name means, and a cheap word for its state."""

import difflib
import hashlib
import os
import re
from pathlib import Path
from typing import Literal

from vitforge.data.raw import RawDataset
from vitforge.errors import VitforgeError

DIGITS = "digits"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def check_source(source: str) -> Literal["digits", "folder", "saved", "hub"]:
    """Tell what kind of source a name means; looks at the name and the top folder only.

    Args:
        source: `digits`, a folder (of classes, of splits of classes, or written by
            `save_to_disk`), or a hub id `OWNER/NAME`.

    Raises:
        VitforgeError: if it is none of these; names the nearest that is there.
    """
    path = Path(source).expanduser()
    if source == DIGITS:
        return "digits"
    if path.is_dir():
        saved = (path / "dataset_dict.json").exists() or (path / "state.json").exists()
        return "saved" if saved else "folder"
    if path.exists():
        raise VitforgeError(
            "the data set is a file, not a folder",
            where=source,
            mend="unpack it, and name the folder that holds one folder per class",
        )
    # `photos/flowers` may be either; where `photos` exists here, a folder was meant.
    if _HUB_ID.fullmatch(source) and not path.parent.exists():
        return "hub"
    raise VitforgeError(f"there is no data set {source!r}", where=source, mend=_nearest(path))


def read_source(source: str) -> RawDataset:
    """List the images of a source; none is decoded yet.

    Raises:
        VitforgeError: if there is no such source, or it is not laid out as a data set.
    """
    kind = check_source(source)
    if kind == "digits":
        from vitforge.data.digits import read_digits

        return read_digits()
    if kind == "folder":
        from vitforge.data.folder import read_folder

        return read_folder(Path(source).expanduser())
    if kind == "saved":
        from vitforge.data.hub import read_saved

        return read_saved(Path(source).expanduser())
    from vitforge.data.hub import read_hub

    return read_hub(source)


def source_digest(source: str) -> str:
    """Digest of every file's name, size and modification time; contents are not read.

    Args:
        source: As for `check_source`.

    Returns:
        16 hex digits; empty where `source` is no local folder.
    """
    root = Path(source).expanduser()
    if source == DIGITS or not root.is_dir():
        return ""
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
