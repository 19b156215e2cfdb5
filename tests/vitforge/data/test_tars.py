import gzip
import io
import json
import os
import random
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


@pytest.mark.parametrize("suffix", [".tar.gz", ".tgz"])
def test_a_compressed_tar_is_read_and_followed(suffix: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path / "home"))
    plain = _tar(tmp_path / "plain.tar", {"1.jpg": b"one", "1.cls": b"0"})
    packed = tmp_path / "set" / f"train-0000{suffix}"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    raw = read_source(str(packed.parent))
    assert [(i.id, i.label, i.split, i.load()) for i in raw.images] == [
        ("train-0000/1", "0", "train", b"one")
    ]
    _tar(plain, {"1.jpg": b"other", "1.cls": b"0"})
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    os.utime(packed, ns=(1, 1))
    assert read_source(str(packed)).images[0].load() == b"other"
    assert len(list((tmp_path / "home").rglob("*.tar"))) == 1  # the old copy is gone


def test_a_compressed_tar_that_is_cut_short_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path / "home"))
    content = gzip.compress(random.Random(0).randbytes(5000))
    for broken in (content[:3000], b"no gzip at all"):
        (tmp_path / "a.tgz").write_bytes(broken)
        with pytest.raises(VitforgeError, match="cannot be decompressed"):
            read_source(str(tmp_path / "a.tgz"))
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


def test_a_file_that_is_no_tar_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"x" * 2000)
    with pytest.raises(VitforgeError, match="the tar cannot be read"):
        read_source(str(tmp_path / "a.tar"))
