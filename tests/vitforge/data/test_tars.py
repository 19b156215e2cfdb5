import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from vitforge.data.sources import read_source
from vitforge.errors import VitforgeError


def _tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def test_shards_are_read_in_place(tmp_path: Path) -> None:
    _tar(
        tmp_path / "set" / "train-0000.tar",
        {"d/1.jpg": b"one", "d/1.cls": b"3\n", "._d/1.jpg": b"", "d/._2.jpg": b"x"},
    )
    told = json.dumps({"label": "5", "patient_id": "p9"}).encode()
    _tar(tmp_path / "set" / "test-0000.tar", {"2.seg.png": b"two", "2.json": told, "3.txt": b"x"})
    raw = read_source(str(tmp_path / "set"))
    assert [(i.id, i.label, i.split, i.group, i.load()) for i in raw.images] == [
        ("test-0000/2", "5", "test", "p9", b"two"),
        ("train-0000/d/1", "3", "train", "", b"one"),
    ]
    assert [file.reason for file in raw.ignored] == ["no image"]


def test_samples_without_a_label_are_listed(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", {"1.jpg": b"x", "1.cls": b"0", "2.jpg": b"y"})
    raw = read_source(str(path))
    assert [(lost.path, lost.reason) for lost in raw.dropped] == [
        ("a/2", "the sample has no label")
    ]


def test_a_compressed_tar_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(gzip.compress(b"x" * 2000))
    with pytest.raises(VitforgeError, match="cannot be read") as caught:
        read_source(str(tmp_path / "a.tar"))
    assert "gunzip" in caught.value.mend
