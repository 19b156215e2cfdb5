from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitforge.config import DataConfig
from vitforge.data.check import check_images, pixel_statistics
from vitforge.data.folder import read_folder
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun


def _break(folder: Path) -> None:
    """Two unreadable files: one cut short, one no image at all."""
    whole = (folder / "000.png").read_bytes()
    (folder / "000.png").write_bytes(whole[: len(whole) // 2])
    (folder / "001.png").write_bytes(b"<html>404</html>")


def test_broken_files_are_dropped_with_the_reason(make_folder, run: StepRun) -> None:
    root = make_folder({"cat": 8, "dog": 8})
    _break(root / "cat")
    checked, dropped = check_images(read_folder(root), DataConfig(max_dropped=0.2), run)
    assert len(checked) == 14
    reasons = {image.path: image.reason for image in dropped}
    assert reasons["cat/001.png"] == "the file is not an image"
    assert "cannot be decoded" in reasons["cat/000.png"]


def test_too_many_broken_files_are_refused_by_name(make_folder, run: StepRun) -> None:
    root = make_folder({"cat": 8, "dog": 8})
    _break(root / "cat")
    with pytest.raises(VitforgeError, match="2 of 16 images cannot be read") as caught:
        check_images(read_folder(root), DataConfig(max_dropped=0.1), run)
    assert "cat/000.png" in caught.value.where
    assert "cat/001.png" in caught.value.where
    assert "data.max_dropped" in caught.value.mend


def test_a_decompression_bomb_is_dropped(make_folder, run: StepRun) -> None:
    root = make_folder({"cat": 8, "dog": 8})
    Image.new("1", (1001, 1000)).save(root / "cat" / "bomb.png")
    config = DataConfig(max_pixels=1_000_000, max_dropped=0.2)
    checked, dropped = check_images(read_folder(root), config, run)
    assert len(checked) == 16
    assert [(image.path, image.reason) for image in dropped] == [
        ("cat/bomb.png", "the image has 1,001,000 pixels, over 1,000,000")
    ]


def test_small_classes_are_refused_after_dropping(make_folder, run: StepRun) -> None:
    root = make_folder({"cat": 4, "dog": 8, "emu": 1})
    _break(root / "cat")
    with pytest.raises(VitforgeError, match="2 of 3 classes: 'cat' 2, 'emu' 1") as caught:
        check_images(read_folder(root), DataConfig(max_dropped=0.5), run)
    assert caught.value.where == "class 'cat'"


def test_statistics_are_over_all_pixels(make_folder, run: StepRun) -> None:
    root = make_folder({"cat": 5, "dog": 5})
    Image.new("RGB", (30, 20), (255, 0, 51)).save(root / "dog" / "large.png")
    checked, _ = check_images(read_folder(root), DataConfig(), run)
    pixels = np.concatenate(
        [np.asarray(Image.open(path)).reshape(-1, 3) / 255 for path in root.rglob("*.png")]
    )
    statistics = pixel_statistics(checked, range(len(checked)))
    np.testing.assert_allclose(statistics.mean, pixels.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(statistics.std, pixels.std(axis=0), rtol=1e-9)
    assert (statistics.median_width, statistics.median_height) == (6, 4)
