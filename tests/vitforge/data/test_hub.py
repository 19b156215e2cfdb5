import socket
import subprocess
import sys
import time
from pathlib import Path

import datasets
import pytest
from PIL import Image

from vitforge.data.hub import read_saved
from vitforge.errors import VitforgeError


def _rows(count: int, shade: int) -> dict[str, list[object]]:
    return {
        "picture": [Image.new("L", (5, 3), shade + index) for index in range(count)],
        "label": [index % 2 for index in range(count)],
    }


FEATURES = datasets.Features(
    picture=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"])
)


def test_a_saved_data_set_is_read_with_its_splits(tmp_path: Path) -> None:
    datasets.DatasetDict(
        train=datasets.Dataset.from_dict(_rows(6, 0), features=FEATURES),
        validation=datasets.Dataset.from_dict(_rows(4, 100), features=FEATURES),
    ).save_to_disk(str(tmp_path / "pets"))
    raw = read_saved(tmp_path / "pets")
    assert raw.name == "pets"
    assert raw.classes == ("cat", "dog")
    assert [image.split for image in raw.images] == ["train"] * 6 + ["val"] * 4
    assert [image.label for image in raw.images][:3] == ["cat", "dog", "cat"]
    assert raw.images[0].load().startswith(b"\x89PNG")


def test_a_single_split_is_yet_to_be_split_and_words_may_be_labels(tmp_path: Path) -> None:
    rows = {**_rows(4, 0), "label": ["b", "a", "b", "a"]}
    features = datasets.Features(picture=datasets.Image(), label=datasets.Value("string"))
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "one"))
    raw = read_saved(tmp_path / "one")
    assert raw.classes == ("a", "b")
    assert [(image.label, image.split) for image in raw.images][:2] == [("b", ""), ("a", "")]


def test_a_data_set_without_labels_names_its_columns(tmp_path: Path) -> None:
    rows = {"picture": _rows(2, 0)["picture"], "text": ["x", "y"]}
    features = datasets.Features(picture=datasets.Image(), text=datasets.Value("string"))
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "captions"))
    with pytest.raises(VitforgeError, match=r"picture \(Image\), text \(Value\)"):
        read_saved(tmp_path / "captions")


@pytest.mark.parametrize("setting", ["closed", "offline"])
def test_an_unreachable_hub_says_so_at_once(setting: str, tmp_path: Path) -> None:
    with socket.socket() as free:  # bound but not listening: connections are refused
        free.bind(("127.0.0.1", 0))
        environment = {
            "PATH": "",
            "HF_HOME": str(tmp_path),
            "HF_ENDPOINT": f"http://127.0.0.1:{free.getsockname()[1]}",
            **({"HF_HUB_OFFLINE": "1"} if setting == "offline" else {}),
        }
        (tmp_path / "owners").mkdir()
        code = "from vitforge.data.sources import read_source; read_source('owner/name')"
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True,
            cwd=tmp_path, timeout=60,
        )  # fmt: skip
    assert time.monotonic() - start < 20
    last = done.stderr.strip().splitlines()[-1]
    assert "the hub cannot be reached for owner/name" in last
    assert "did you mean the folder owners/name?" in last
    for way_out in ("local folder", "digits", "HF_ENDPOINT", "save_to_disk"):
        assert way_out in last
