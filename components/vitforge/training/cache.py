"""Room for what is computed once: in memory while it is small, else in a file without a name."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from vitforge.errors import VitforgeError

IN_MEMORY = 2 * 1024**3
"""Bytes above which a cache lives in a temporary file."""
SPARE = 1024**3
"""Bytes of the disk that a cache leaves free."""


def cache_bytes(shape: tuple[int, ...], dtype: DTypeLike) -> int:
    """What a cache takes, bytes."""
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize


def free_bytes() -> int:
    """What a cache may take on the disk of temporary files, bytes."""
    return max(0, shutil.disk_usage(tempfile.gettempdir()).free - SPARE)


def open_cache(shape: tuple[int, ...], dtype: DTypeLike, what: str) -> NDArray[Any]:
    """An array to be filled, backed by a file where it is large.

    The file loses its name before it is filled, so that its space comes back when the process
    ends, however it ends; and its space is claimed at once, so that the disk cannot run full under
    a running training.

    Args:
        shape: Of the array.
        dtype: Of its elements.
        what: What it will hold, for the error.

    Raises:
        VitforgeError: if the disk has too little room.
    """
    size = cache_bytes(shape, dtype)
    if size <= IN_MEMORY:
        return np.empty(shape, dtype=dtype)
    folder, free = tempfile.gettempdir(), free_bytes()
    if size > free:
        raise _no_room(size, free, folder, what)
    with tempfile.TemporaryFile(prefix="vitforge-cache-") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise _no_room(size, free, folder, what) from error
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)


def _no_room(size: int, free: int, folder: str, what: str) -> VitforgeError:
    return VitforgeError(
        f"{what} take {size / 1024**3:.1f} GiB, and {free / 1024**3:.1f} GiB are free",
        where=str(Path(folder)),
        mend="free some space, or set TMPDIR to a folder on a larger disk",
    )
