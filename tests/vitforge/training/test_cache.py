"""A cache's size is known before, its space is claimed, and its file has no name."""

import os
from pathlib import Path

import numpy as np
import pytest

from vitforge.errors import VitforgeError
from vitforge.training import cache


def test_small_ones_live_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "IN_MEMORY", 24)
    assert not isinstance(cache.open_cache((2, 3), np.float32, "tests"), np.memmap)
    assert isinstance(cache.open_cache((2, 4), np.float32, "tests"), np.memmap)


def test_the_file_is_as_large_as_predicted_and_nameless(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cache, "IN_MEMORY", 0)
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    shape = (1000, 17)
    array = cache.open_cache(shape, np.uint16, "tests")
    mapped = next(
        line for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line
    )
    assert mapped.endswith("(deleted)") and not any(tmp_path.iterdir())
    assert array._mmap.size() == cache.cache_bytes(shape, np.uint16) == 34_000
    assert not array.any()
    array[999] = 7
    assert array.sum() == 7 * 17


def test_too_little_room_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cache, "IN_MEMORY", 0)
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(cache, "SPARE", 2**62)
    with pytest.raises(VitforgeError, match=r"take 0\.1 GiB, and 0\.0 GiB are free"):
        cache.open_cache((2**27,), np.uint8, "activations")
    assert not any(tmp_path.iterdir())


def test_a_disk_that_runs_full_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "IN_MEMORY", 0)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(VitforgeError, match="TMPDIR"):
        cache.open_cache((10,), np.uint8, "activations")
