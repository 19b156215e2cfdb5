"""Thumbnails on disk: a kilobyte an image, none of it in memory until it is looked at."""

import os
import tempfile
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitforge.data.look import THUMB

_BYTES = THUMB * THUMB
_FLUSH = 1 << 20


class Thumbnails:
    """An append-only file without a name: it is gone when the process is."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - lives as long as this object
        self._fresh = bytearray()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, thumb: bytes) -> int:
        """Append one, and return its row."""
        self._fresh += thumb
        self._count += 1
        if len(self._fresh) >= _FLUSH:
            self._flush()
        return self._count - 1

    def block(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Rows `start` to `stop`, shape (n, THUMB, THUMB)."""
        self._flush()
        content = os.pread(self._file.fileno(), (stop - start) * _BYTES, start * _BYTES)
        return np.frombuffer(content, dtype=np.uint8).reshape(-1, THUMB, THUMB)

    def pick(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        """Single rows, shape (n, THUMB, THUMB)."""
        if not len(rows):
            return np.empty((0, THUMB, THUMB), dtype=np.uint8)
        return np.concatenate([self.block(int(row), int(row) + 1) for row in rows])

    def _flush(self) -> None:
        if self._fresh:
            self._file.write(self._fresh)
            self._fresh = bytearray()
