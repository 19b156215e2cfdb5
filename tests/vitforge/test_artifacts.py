"""Files of an artifact are whole or absent, and are read back checked."""

from pathlib import Path

import pytest

from vitforge.artifacts import DroppedImage, write_atomically
from vitforge.errors import VitforgeError


def test_round_trip(tmp_path: Path) -> None:
    record = DroppedImage(path="a.png", reason="cut short")
    record.save(tmp_path / "deep" / "x.json")
    assert DroppedImage.load(tmp_path / "deep" / "x.json") == record


def test_a_missing_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(VitforgeError, match=r"x\.json is missing"):
        DroppedImage.load(tmp_path / "x.json")


@pytest.mark.parametrize("content", ["{", "{}", '{"path": "a", "reason": "b", "more": 1}'])
def test_a_foreign_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(VitforgeError, match="is not a DroppedImage"):
        DroppedImage.load(tmp_path / "x.json")


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
