"""What is saved comes back to the bit, and what is damaged is not believed."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from vitforge.errors import VitforgeError
from vitforge.training.snapshot import SnapshotStore


def state(seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    shared = torch.randn(4, 3)
    return {
        "weights": [shared, shared.t(), torch.tensor([True, False])],
        "optimizer": {"state": {0: {"step": torch.tensor(7.0)}}, "betas": (0.9, 0.999)},
        "none": None,
        "scores": [0.1 + 0.2, math.inf, seed],
        "empty": {},
    }


def test_comes_back_to_the_bit(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "kept")
    assert store.load() is None and store.newest() is None
    store.save(12, state(3) | {"lost": math.nan})
    step, got, damaged = store.load() or (0, {}, ())
    wanted = state(3)
    assert (step, damaged) == (12, ())
    assert math.isnan(got.pop("lost"))
    for mine, theirs in zip(got.pop("weights"), wanted.pop("weights"), strict=True):
        assert mine.dtype == theirs.dtype and torch.equal(mine, theirs)
    inner = got["optimizer"]["state"][0]  # the key is a number again
    assert torch.equal(inner.pop("step"), wanted["optimizer"]["state"][0].pop("step"))
    assert got == wanted and isinstance(got["optimizer"]["betas"], tuple)
    store.clear()
    assert not store.folder.exists()


def test_only_the_newest_two_are_kept(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for step in (5, 90, 1000):
        store.save(step, state(step))
    assert sorted(f.name for f in tmp_path.iterdir()) == ["step-000000090", "step-000001000"]


@pytest.mark.parametrize("fault", ["a bit", "cut short", "no record", "no tensors"])
def test_a_damaged_one_is_passed_over_with_a_sentence(tmp_path: Path, fault: str) -> None:
    store = SnapshotStore(tmp_path)
    store.save(1, state(1))
    newest = store.save(2, state(2))
    tensors, record = newest / "state.safetensors", newest / "snapshot.json"
    content = bytearray(tensors.read_bytes())
    if fault == "a bit":
        content[-1] ^= 1  # still a well-formed file
        tensors.write_bytes(content)
    elif fault == "cut short":
        tensors.write_bytes(content[: len(content) // 2])
    else:
        (record if fault == "no record" else tensors).unlink()
    step, got, damaged = store.load() or (0, {}, ())
    assert step == 1 and got["scores"][2] == 1
    assert len(damaged) == 1 and "step-000000002 is damaged" in damaged[0]


def test_all_damaged(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    (store.save(1, state(1)) / "state.safetensors").write_bytes(b"")
    with pytest.raises(VitforgeError, match="every snapshot"):
        store.load()
