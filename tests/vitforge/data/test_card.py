import re
from pathlib import Path

from vitforge.artifacts import DATASET_FILE, DatasetInfo
from vitforge.config import DataConfig
from vitforge.data.prepare import CARD_FILE, prepare
from vitforge.tracking import StepRun


def test_every_number_of_the_card_is_that_of_dataset_json(
    make_folder, tmp_path: Path, run: StepRun
) -> None:
    root = make_folder({"cat": 17, "dog": 14, "emu": 11})
    (root / "cat" / "notes.txt").touch()
    prepare(str(root), 3, DataConfig(val_fraction=0.2), tmp_path / "out", run)
    info = DatasetInfo.load(tmp_path / "out" / DATASET_FILE)
    card = (run.folder / "files" / CARD_FILE).read_text()
    told = dict(re.findall(r"^- ([^:`*]+): (.*)$", card, flags=re.MULTILINE))
    assert told["Source"] == f"`{info.source}`"
    assert (
        told["Fingerprint (SHA-256 over content, labels, split and slices)"]
        == f"`{info.fingerprint}`"
    )
    assert told["Task"] == info.task
    assert told["Images"] == (
        f"{info.sizes['train']} training, {info.sizes['val']} validation, {info.sizes['test']} test"
    )
    assert told["Classes"] == str(len(info.classes)) == "3"
    assert told["Files left out"] == str(len(info.dropped)) == "1"
    assert told["Groups that stay in one split"] == "0"
    assert told["Median size"] == "6 × 4 pixels"
    assert "**warning**, Tiny classes: 3 classes with fewer than 10 test images" in card
