"""Splits are decoded the way the server decodes."""

import io
from pathlib import Path

import datasets
import pytest
from PIL import Image

from vitforge.errors import VitforgeError
from vitforge.splits import open_split


def encoded(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    images = [encoded(Image.new("L", (2, 1), 128)), encoded(Image.new("RGB", (2, 1)), exif=exif)]
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.Value("int64"),
            "id": datasets.Value("string"),
        }
    )
    rows = {
        "image": [{"bytes": content, "path": None} for content in images],
        "label": [1, 0],
        "id": ["grey", "turned"],
    }
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "test"))
    return tmp_path


def test_images_come_upright_and_rgb(dataset: Path) -> None:
    split = open_split(dataset, "test")
    assert [row["image"].mode for row in split] == ["RGB", "RGB"]
    assert [image.size for image in split[0:2]["image"]] == [(2, 1), (1, 2)]
    assert split.select([1])[0]["image"].size == (1, 2)


def test_columns_are_read_without_images(dataset: Path) -> None:
    split = open_split(dataset, "test")
    assert split["label"][:] == [1, 0]
    assert split.select_columns(["id", "label"])[:] == {"id": ["grey", "turned"], "label": [1, 0]}


def test_a_missing_split_is_told(dataset: Path) -> None:
    with pytest.raises(VitforgeError, match="no split 'train'"):
        open_split(dataset, "train")
