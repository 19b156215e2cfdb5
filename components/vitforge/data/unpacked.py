"""Compressed tars: written out once, since nothing in them can be read out of turn."""

import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from pathlib import Path

from vitforge.errors import VitforgeError

TARS = (".tar", ".tar.gz", ".tgz")


def is_tar(path: Path) -> bool:
    """Whether a file goes by a tar's name."""
    return path.name.lower().endswith(TARS)


def unpacked(path: Path) -> Path:
    """The tar itself; of a compressed one a copy that is not, made anew when the tar changes.

    Args:
        path: A file with one of the suffixes `TARS`; it is decompressed piece by piece.

    Returns:
        A `.tar`; a copy lies under `VITFORGE_HOME`.

    Raises:
        VitforgeError: if the file is no gzip file, or is cut short.
        OSError: if the disk refuses.
    """
    if path.suffix.lower() == ".tar":
        return path
    home = Path(os.environ.get("VITFORGE_HOME") or Path("~/.cache/vitforge").expanduser())
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    folder = (home / "unpacked" / place).absolute()
    stat = path.stat()
    copy = folder / f"{stat.st_size}-{stat.st_mtime_ns}" / f"{path.name.split('.')[0]}.tar"
    if copy.exists():
        return copy
    shutil.rmtree(folder, ignore_errors=True)  # of the tar before it changed
    copy.parent.mkdir(parents=True)
    handle, part = tempfile.mkstemp(dir=copy.parent)
    try:
        with gzip.open(path) as packed, os.fdopen(handle, "wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
        Path(part).replace(copy)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise VitforgeError(
            f"the tar cannot be decompressed: {error}",
            where=str(path),
            mend="copy it again, or make it anew",
        ) from None
    finally:
        Path(part).unlink(missing_ok=True)
    return copy
