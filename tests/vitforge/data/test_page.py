from pathlib import Path

from vitforge.artifacts import REPORT_FILE
from vitforge.config import DataConfig
from vitforge.data.prepare import prepare
from vitforge.tracking import StepRun


def _report(root: Path, out: Path, run: StepRun) -> str:
    prepare(str(root), 0, DataConfig(), out, run)
    return (out / REPORT_FILE).read_text()


def test_few_classes_get_a_row_each(make_folder, tmp_path: Path, run: StepRun) -> None:
    page = _report(make_folder({"cat": 40, "<dog>": 5}), tmp_path / "out", run)
    assert "<h3>&lt;dog&gt;</h3>" in page
    assert page.count("<img") == 10 + 3  # a row of 10, and all training images of the small class
    assert "<svg" in page


def test_many_classes_get_one_image_each_and_stay_small(
    make_folder, tmp_path: Path, run: StepRun
) -> None:
    page = _report(make_folder({f"class{i:03d}": 3 for i in range(210)}), tmp_path / "out", run)
    assert page.count("<img") == 200
    assert "10 more classes" in page
    assert len(page) < 2_000_000


def test_duplicates_are_counted(make_folder, tmp_path: Path, run: StepRun) -> None:
    root = make_folder({"cat": 9, "dog": 9})
    (root / "cat" / "copy.png").write_bytes((root / "cat" / "000.png").read_bytes())
    page = _report(root, tmp_path / "out", run)
    assert "<dt>Exact duplicates</dt><dd>1</dd>" in page
