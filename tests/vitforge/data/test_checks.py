"""Each planted fault is found by its check, and a clean set is left in peace."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitforge.artifacts import DATASET_FILE
from vitforge.config import DataConfig
from vitforge.data.checks import Finding
from vitforge.data.examine import examine
from vitforge.data.prepare import prepare
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun


def _picture(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def _write(root: Path, name: str, seed: int, **options) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    _picture(seed, **options).save(root / name)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes in three given splits, 90 distinct pictures."""
    root = tmp_path / "photos"
    seed = 0
    for split, count in (("train", 25), ("val", 10), ("test", 10)):
        for label in ("cat", "dog"):
            for number in range(count):
                _write(root, f"{split}/{label}/{number:02d}.png", seed := seed + 1)
    return root


def _findings(root: Path, run: StepRun, **settings) -> dict[str, Finding]:
    found = examine(str(root), 0, DataConfig(**settings), run)
    return {finding.check: finding for finding in found.findings}


def test_a_clean_set_has_nothing_to_tell(photos: Path, run: StepRun) -> None:
    assert _findings(photos, run) == {}


def test_the_same_file_in_two_splits_is_a_failure_until_dropped(
    photos: Path, run: StepRun, tmp_path: Path
) -> None:
    shutil.copy(photos / "train/cat/00.png", photos / "test/cat/copy.png")
    finding = _findings(photos, run)["Exact duplicates"]
    assert (finding.severity, finding.count) == ("failure", 1)
    assert finding.where == "test/cat/copy.png = train/cat/00.png"
    assert f"vitforge check-data {photos} -s leaked=drop" in finding.mend
    with pytest.raises(VitforgeError, match="1 copy of an image in another split"):
        prepare(str(photos), 0, DataConfig(), tmp_path / "out", run)
    assert not (tmp_path / "out" / DATASET_FILE).exists()
    info = prepare(str(photos), 0, DataConfig(leaked="drop"), tmp_path / "out", run)
    assert info.sizes["train"] == 49
    assert [image.path for image in info.dropped] == ["train/cat/00.png"]


def test_a_changed_copy_in_two_splits_is_a_failure(photos: Path, run: StepRun) -> None:
    with Image.open(photos / "train/dog/03.png") as image:
        image.resize((80, 60)).save(photos / "val/dog/small.jpg", quality=60)
    finding = _findings(photos, run)["Near-duplicates"]
    assert (finding.severity, finding.count) == ("failure", 1)
    assert len(finding.examples[0]) == 2


def test_copies_in_a_set_that_is_split_here_stay_together(tmp_path: Path, run: StepRun) -> None:
    root = tmp_path / "photos"
    for number in range(40):
        _write(root, f"{'cat' if number % 2 else 'dog'}/{number}.png", number)
        _write(root, f"{'cat' if number % 2 else 'dog'}/{number}-small.png", number, size=(64, 48))
    findings = _findings(root, run)
    assert findings["Near-duplicates"].severity == "note"
    assert findings["Near-duplicates"].count == 40


def test_a_patient_in_two_given_splits_is_a_failure(photos: Path, run: StepRun) -> None:
    lines = ["path,label,patient,split"]
    for number, path in enumerate(sorted(photos.rglob("*.png"))):
        split, label, _ = path.relative_to(photos).parts
        patient = "p7" if number in (0, 60) else f"q{number}"
        lines.append(f"{path.relative_to(photos)},{label},{patient},{split}")
    (photos / "metadata.csv").write_text("\n".join(lines) + "\n")
    finding = _findings(photos, run)["Group leakage"]
    assert (finding.severity, finding.count) == ("failure", 1)
    assert "p7" not in finding.where


def test_one_picture_under_two_labels(photos: Path, run: StepRun) -> None:
    shutil.copy(photos / "train/cat/00.png", photos / "train/dog/copy.png")
    assert _findings(photos, run)["Label conflicts"].count == 1


def test_small_and_lopsided_classes(tmp_path: Path, run: StepRun) -> None:
    for number in range(120):
        _write(tmp_path / "p", f"many/{number}.png", number)
    for number in range(6):
        _write(tmp_path / "p", f"few/{number}.png", 1000 + number)
    findings = _findings(tmp_path / "p", run)
    assert "'many' has 20 times the images of 'few'" in findings["Class imbalance"].cause
    assert findings["Tiny classes"].cause.endswith("'few' 1")


def test_dark_blurred_and_odd_pictures(photos: Path, run: StepRun) -> None:
    cat = photos / "train/cat"
    Image.new("RGB", (96, 72), (3, 3, 3)).save(cat / "black.png")
    Image.linear_gradient("L").resize((96, 72)).convert("RGB").save(cat / "blurred.png")
    _picture(5000, (400, 20)).save(cat / "sliver.png")
    findings = _findings(photos, run)
    assert findings["Dark, blank or washed-out images"].where == "train/cat/black.png"
    assert findings["Blurred images"].where == "train/cat/blurred.png"
    assert findings["Odd sizes"].where.startswith("train/cat/sliver.png")


def test_a_label_that_the_file_format_gives_away(tmp_path: Path, run: StepRun) -> None:
    for number in range(60):
        suffix, label = ("jpg", "sick") if number % 2 else ("png", "well")
        _write(tmp_path / "p", f"{label}/{number}.{suffix}", number)
    findings = _findings(tmp_path / "p", run)
    assert "the file format (saves 100% of mistakes)" in findings["Shortcuts"].cause
    assert findings["Mixed formats"].count == 30


def test_a_test_split_of_another_world(photos: Path, run: StepRun) -> None:
    for path in (photos / "test").rglob("*.png"):
        with Image.open(path) as image:
            image.point(lambda value: value // 3).save(path)
    assert "brightness of test (1.00)" in _findings(photos, run)["Drift between splits"].cause


def test_what_was_read_is_not_read_again(
    photos: Path, tmp_path: Path, run: StepRun, monkeypatch
) -> None:
    from vitforge.data import scan

    monkeypatch.setattr(scan, "PART", 16)
    monkeypatch.setattr(scan, "_TASK", 8)
    looked: list[bytes] = []
    look = scan.look_at

    def watch(content: bytes, *rest):
        looked.append(content)
        if len(looked) == 70:
            raise KeyboardInterrupt
        return look(content, *rest)

    monkeypatch.setattr(scan, "look_at", watch)
    config = DataConfig(workers=0)
    monkeypatch.setattr(scan, "_pool", lambda *_: scan.ThreadPoolExecutor(1))
    with pytest.raises(KeyboardInterrupt):
        examine(str(photos), 0, config, run, tmp_path / "scratch")
    before = len(looked)
    found = examine(str(photos), 0, config, run, tmp_path / "scratch")
    assert len(looked) - before <= 90 - 2 * 16
    monkeypatch.undo()
    fresh = examine(str(photos), 0, config, run)
    assert found.info == fresh.info
    assert [image.look for image in found.data.images] == [i.look for i in fresh.data.images]
