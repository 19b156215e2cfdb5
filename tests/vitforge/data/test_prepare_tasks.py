"""Manifest in, Arrow splits out: labels of every task and slices, as later steps read them."""

import csv
import math
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest

from vitforge.artifacts import SPLITS_FILE
from vitforge.config import DataConfig
from vitforge.data.prepare import prepare
from vitforge.data.sources import read_source
from vitforge.errors import VitforgeError
from vitforge.splits import open_split
from vitforge.tracking import StepRun

SPLITS = ("train", "val", "test")
IMAGE, TEXT = datasets.Image(decode=False), datasets.Value("string")


@pytest.fixture
def manifest(make_folder):
    """60 images, and the list of them with the columns given, each a function of the row."""

    def write(**columns) -> Path:
        root = make_folder({"all": 60})
        with (root / "metadata.csv").open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["path", *columns])
            for row in range(60):
                lines.writerow([f"all/{row:03d}.png", *(make(row) for make in columns.values())])
        return root

    return write


def _rows(out: Path, task: str) -> dict[int, dict[str, Any]]:
    """Every row of the three splits, by its number in the manifest."""
    splits = [open_split(out, name, tasks=(task,)) for name in SPLITS]
    assert all(split[0]["image"].size == (6, 4) for split in splits)
    plain = [row for split in splits for row in split.with_format(None).remove_columns("image")]
    return {int(row["id"][4:7]): row for row in plain}


def test_multi_label_with_policies(manifest, tmp_path: Path, run: StepRun) -> None:
    marks = ("1", "0", "-1", "")
    root = manifest(
        edema=lambda row: marks[row % 4],
        mass=lambda row: marks[row // 4 % 4],
        normal=lambda row: str(row % 2),
    )
    config = DataConfig(
        uncertain_labels={"edema": "soft", "*": "ones"}, missing_labels={"mass": "zeros"}
    )
    info = prepare(str(root), 0, config, tmp_path / "out", run)
    assert (info.task, info.classes) == ("multi_label", ("edema", "mass", "normal"))
    rows = _rows(tmp_path / "out", "multi_label")
    assert len(rows) == 60
    edema, mass = (1.0, 0.0, 0.7, math.nan), (1.0, 0.0, 1.0, 0.0)
    for number, row in rows.items():
        wanted = [edema[number % 4], mass[number // 4 % 4], float(number % 2)]
        assert row["label"] == pytest.approx(wanted, nan_ok=True)
    features = open_split(tmp_path / "out", "train", tasks=("multi_label",)).features
    label = datasets.List(datasets.Value("float32"))
    assert features == datasets.Features(image=IMAGE, label=label, id=TEXT)
    # 0.7 counts as present; NaN does not.
    present = sum(edema[number % 4] >= 0.5 for number in rows)
    assert sum(info.class_counts[split][0] for split in SPLITS) == present == 30
    with pytest.raises(VitforgeError, match="task is multi_label"):
        open_split(tmp_path / "out", "train")


def test_regression(manifest, tmp_path: Path, run: StepRun) -> None:
    root = manifest(label=lambda row: row + 0.5)
    info = prepare(str(root), 0, DataConfig(), tmp_path / "out", run)
    assert (info.task, info.classes) == ("regression", ())
    rows = _rows(tmp_path / "out", "regression")
    assert {number: row["label"] for number, row in rows.items()} == {n: n + 0.5 for n in range(60)}
    features = open_split(tmp_path / "out", "test", tasks=("regression",)).features
    assert features == datasets.Features(image=IMAGE, label=datasets.Value("float32"), id=TEXT)


def test_ordinal(manifest, tmp_path: Path, run: StepRun) -> None:
    grades = ("mild", "severe", "fatal")
    root = manifest(grade=lambda row: grades[row % 3])
    config = DataConfig(task="ordinal", label_columns=("grade",), order=grades)
    info = prepare(str(root), 0, config, tmp_path / "out", run)
    assert (info.task, info.classes) == ("ordinal", grades)
    rows = _rows(tmp_path / "out", "ordinal")
    assert {number: row["label"] for number, row in rows.items()} == {n: n % 3 for n in range(60)}
    features = open_split(tmp_path / "out", "val", tasks=("ordinal",)).features
    label = datasets.ClassLabel(names=list(grades))
    assert features == datasets.Features(image=IMAGE, label=label, id=TEXT)


def test_slices_of_a_manifest_travel_with_their_images(
    manifest, tmp_path: Path, run: StepRun
) -> None:
    root = manifest(
        label=lambda row: "ab"[row % 2],
        site=lambda row: f"site-{row % 7}",
        sex=lambda row: ("F", "M", "")[row % 3],
    )
    config = DataConfig(slice_columns=("site", "sex"))
    info = prepare(str(root), 0, config, tmp_path / "out", run)
    assert info.slices == ("site", "sex")
    for number, row in _rows(tmp_path / "out", "single_label").items():
        assert row["slice_site"] == f"site-{number % 7}"
        assert row["slice_sex"] == ("F", "M", "")[number % 3]
    for row in pq.read_table(tmp_path / "out" / SPLITS_FILE).to_pylist():
        assert row["slice_site"] == f"site-{int(row['id'][4:7]) % 7}"


def test_other_slices_are_another_data_set_and_patients_are_hashed(
    manifest, tmp_path: Path, run: StepRun
) -> None:
    root = manifest(
        label=lambda row: "ab"[row % 2],
        patient=lambda row: f"Miller {row // 2}",
        sex=lambda row: "FM"[row % 2],
    )
    prints = [
        prepare(str(root), 0, DataConfig(slice_columns=names), tmp_path / "out", run).fingerprint
        for names in ((), ("sex",), ("patient",))
    ]
    assert len(set(prints)) == 3
    for split in ("train", "val", "test"):
        for file in (tmp_path / "out" / split).glob("*.arrow"):
            assert b"Miller" not in file.read_bytes()
    listed = pq.read_table(tmp_path / "out" / SPLITS_FILE).to_pylist()
    assert {row["slice_patient"] for row in listed} == {row["group"] for row in listed}
    assert len({row["slice_patient"] for row in listed}) > 10


def test_a_slice_that_is_not_there_is_refused_with_the_nearest_name(manifest, make_folder) -> None:
    root = manifest(label=lambda row: "ab"[row % 2], Site=lambda row: row % 3)
    with pytest.raises(VitforgeError, match="no column 'sites' to slice by") as caught:
        read_source(str(root), DataConfig(slice_columns=("sites",)))
    assert caught.value.mend == "did you mean Site?"
    folder = make_folder({"a": 3, "b": 3}, "plain")
    with pytest.raises(VitforgeError, match="no column 'site'") as caught:
        read_source(str(folder), DataConfig(slice_columns=("site",)))
    assert "write a manifest" in caught.value.mend


def test_slices_of_a_saved_data_set(make_folder, tmp_path: Path, run: StepRun) -> None:
    root = make_folder({"all": 40})
    features = datasets.Features(
        image=datasets.Image(),
        label=datasets.ClassLabel(names=["a", "b"]),
        sex=datasets.ClassLabel(names=["F", "M"]),
        age=datasets.Value("int64"),
    )
    images = [{"path": None, "bytes": path.read_bytes()} for path in sorted(root.rglob("*.png"))]
    rows = [
        {"image": image, "label": n % 2, "sex": n // 2 % 2, "age": n if n % 5 else None}
        for n, image in enumerate(images)
    ]
    datasets.Dataset.from_list(rows, features).save_to_disk(str(tmp_path / "saved"))
    config = DataConfig(slice_columns=("sex", "age"))
    prepare(str(tmp_path / "saved"), 0, config, tmp_path / "out", run)
    seen = 0
    for name in SPLITS:
        for row in open_split(tmp_path / "out", name).with_format(None):
            number = int(row["id"].rpartition("/")[2])
            assert row["image"]["bytes"] == images[number]["bytes"]
            assert row["slice_sex"] == "FM"[number // 2 % 2]
            assert row["slice_age"] == (str(number) if number % 5 else "")
            seen += 1
    assert seen == 40
    with pytest.raises(VitforgeError, match="no column 'ages'") as caught:
        read_source(str(tmp_path / "saved"), DataConfig(slice_columns=("ages",)))
    assert caught.value.mend.startswith("did you mean age")
