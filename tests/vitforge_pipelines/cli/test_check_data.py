import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from vitforge_pipelines.cli.main import app


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 3), ("test", 3)):
        for label in ("cat", "dog"):
            folder = tmp_path / "photos" / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "photos"


def _run(photos: Path, *options: str):
    report = photos.parent / "report.html"
    return CliRunner().invoke(
        app, ["check-data", str(photos), "--report", str(report), "--json", *options]
    )


def test_a_sound_set_passes_and_has_a_report(photos: Path) -> None:
    done = _run(photos)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["passed"]
    assert told["sizes"] == {"train": 16, "val": 6, "test": 6, "calibration": 16}
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert told["fingerprint"] in page
    assert "What the checks found" in page


def test_leakage_fails_and_its_command_mends_it(photos: Path) -> None:
    shutil.copy(photos / "train/cat/0.png", photos / "test/cat/9.png")
    done = _run(photos)
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert not told["passed"]
    assert [f["check"] for f in told["findings"] if f["severity"] == "failure"] == [
        "Exact duplicates"
    ]
    assert "-s leaked=drop" in told["findings"][0]["mend"]
    assert _run(photos, "-s", "leaked=drop").exit_code == 0


def test_a_wrong_source_and_a_wrong_key(photos: Path) -> None:
    done = _run(photos / "nowhere")
    assert done.exit_code == 1
    assert "there is no data set" in json.loads(done.stdout)["error"]["cause"]
    assert _run(photos, "-s", "val_fracton=0.1").exit_code == 2
