import errno
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from vitforge.artifacts import DATASET_FILE, REPORT_FILE, SPLITS_FILE, DatasetInfo
from vitforge.config import DataConfig
from vitforge.data.prepare import prepare
from vitforge.data.write import _Shard
from vitforge.errors import VitforgeError, explain
from vitforge.splits import open_split
from vitforge.tracking import StepRun

CONFIG = DataConfig(calibration_images=6)


def _events(run: StepRun, kind: str) -> list[dict[str, Any]]:
    lines = (run.folder / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def test_the_artifact_holds_every_image_once_with_its_bytes(
    make_folder, tmp_path: Path, run: StepRun
) -> None:
    root, out = make_folder({"cat": 20, "dog": 10}), tmp_path / "prepared"
    info = prepare(str(root), 0, CONFIG, out, run)
    assert DatasetInfo.load(out / DATASET_FILE) == info
    assert info.sizes == {"train": 21, "val": 3, "test": 6, "calibration": 6}
    assert info.class_counts == {"train": (14, 7), "val": (2, 1), "test": (4, 2)}

    seen: dict[str, str] = {}
    for name in ("train", "val", "test"):
        split = open_split(out, name)
        assert split[0]["image"].size == (6, 4)
        for row in split.with_format(None):
            assert row["image"]["bytes"] == (root / row["id"]).read_bytes()
            assert info.classes[row["label"]] == row["id"].split("/")[0]
            assert row["id"] not in seen
            seen[row["id"]] = name
    assert len(seen) == 30
    listed = pq.read_table(out / SPLITS_FILE).to_pylist()
    assert {row["id"]: row["split"] for row in listed} == seen
    assert set(open_split(out, "calibration")["id"]) <= set(open_split(out, "train")["id"])


def test_names_and_order_of_files_change_nothing(make_folder, tmp_path: Path, run: StepRun) -> None:
    root = make_folder({"cat": 20, "dog": 10})
    first = prepare(str(root), 0, CONFIG, tmp_path / "first", run)
    for path in sorted(root.rglob("*.png")):  # reversed order, other names
        path.rename(path.with_name(f"x{999 - int(path.stem):03d}.png"))
    second = prepare(str(root), 0, CONFIG, tmp_path / "second", run)
    assert second.fingerprint == first.fingerprint
    assert second.statistics == first.statistics
    other_seed = prepare(str(root), 1, CONFIG, tmp_path / "third", run)
    assert other_seed.fingerprint != first.fingerprint


def test_the_same_input_gives_the_same_bytes(make_folder, tmp_path: Path, run: StepRun) -> None:
    root = make_folder({"cat": 9, "dog": 9})
    for name in ("first", "second"):
        prepare(str(root), 0, CONFIG, tmp_path / name, run)
    files = [
        {p.relative_to(top): p.read_bytes() for p in top.rglob("*") if p.is_file()}
        for top in (tmp_path / "first", tmp_path / "second")
    ]
    assert files[0] == files[1]


def test_calibration_may_be_off(make_folder, tmp_path: Path, run: StepRun) -> None:
    root = make_folder({"cat": 9, "dog": 9})
    info = prepare(str(root), 0, DataConfig(calibration_images=0), tmp_path / "out", run)
    assert info.sizes["calibration"] == 0
    assert not (tmp_path / "out" / "calibration").exists()


def test_a_given_split_that_lacks_a_class_is_refused(
    make_folder, tmp_path: Path, run: StepRun
) -> None:
    root = make_folder({"train/cat": 9, "train/dog": 9, "test/cat": 3})
    with pytest.raises(VitforgeError, match="no readable image in test for 1 of 2 classes: dog"):
        prepare(str(root), 0, CONFIG, tmp_path / "out", run)


def test_the_run_is_told(make_folder, tmp_path: Path, run: StepRun) -> None:
    root = make_folder({"cat": 20, "dog": 10})
    (root / "cat" / "notes.txt").write_text("x")
    info = prepare(str(root), 0, CONFIG, tmp_path / "out", run)
    notes = [event["text"] for event in _events(run, "note")]
    assert notes[0] == "30 images, 2 classes, split 21/3/6"
    assert "1 file" in notes[1]
    (given,) = _events(run, "input")
    assert (given["name"], given["digest"]) == ("photos", info.fingerprint)
    assert _events(run, "metrics")[0]["values"]["test_images"] == 6
    assert (run.folder / "files" / REPORT_FILE).exists()
    report = (tmp_path / "out" / REPORT_FILE).read_text()
    assert "cat/notes.txt" in report
    assert info.fingerprint in report


@pytest.mark.parametrize("existing", [None, "empty", "old"])
def test_a_full_disk_leaves_no_half_artifact(
    existing: str | None, make_folder, tmp_path: Path, run: StepRun, monkeypatch
) -> None:
    root, out = make_folder({"cat": 9, "dog": 9}), tmp_path / "steps" / "prepared"
    if existing:
        out.mkdir(parents=True)
    if existing == "old":
        (out / "dataset.json").write_text("whole")
    write = _Shard.write

    def full(shard: _Shard) -> int:
        if len(shard.rows) == 2:  # validation
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(shard)

    monkeypatch.setattr(_Shard, "write", full)
    with pytest.raises(OSError) as caught:
        prepare(str(root), 0, CONFIG, out, run)
    told = explain(caught.value)
    assert told.cause == "the disk is full"
    assert told.where == str(out.parent / ".prepared.unfinished" / "shards")
    shutil.rmtree(out.parent / ".prepared.unfinished")  # what the same command goes on from
    left = {p.relative_to(out.parent).as_posix() for p in out.parent.rglob("*")}
    assert (
        left
        == {None: set(), "empty": {"prepared"}, "old": {"prepared", "prepared/dataset.json"}}[
            existing
        ]
    )


KILLED = """
import os, signal, sys
from pathlib import Path
from vitforge.config import DataConfig
from vitforge.data import write
from vitforge.data.prepare import prepare
from vitforge.tracking import StepRun
write._SHARD = 4
same, calls = write._same, []
def kill(*arguments):
    calls.append(arguments)
    if len(calls) == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return same(*arguments)
write._same = kill
with StepRun("prepare_data", spool=Path(sys.argv[2]).parent / "killed") as run:
    prepare(sys.argv[1], 0, DataConfig(calibration_images=6), Path(sys.argv[2]), run)
"""


def test_writing_that_was_killed_goes_on_from_the_finished_shards(
    make_folder, tmp_path: Path, run: StepRun, monkeypatch
) -> None:
    from vitforge.data import write

    root, out = make_folder({"cat": 20, "dog": 20}), tmp_path / "prepared"
    done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(out)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not out.exists()
    finished = sum(1 for _ in tmp_path.glob(".prepared.unfinished/shards/*.arrow"))
    assert finished >= 3
    monkeypatch.setattr(write, "_SHARD", 4)
    read: list[int] = []
    same = write._same
    monkeypatch.setattr(write, "_same", lambda images, row: read.append(row) or same(images, row))
    info = prepare(str(root), 0, CONFIG, out, run)
    assert len(read) == 46 - 4 * finished  # 40 images, 6 of them also for calibration
    assert sorted(path.name for path in tmp_path.glob(".prepared.*")) == []
    monkeypatch.undo()
    assert prepare(str(root), 0, CONFIG, tmp_path / "other", run) == info
    for split in ("train", "val", "test", "calibration"):
        assert open_split(out, split).to_dict() == open_split(tmp_path / "other", split).to_dict()


def test_what_lay_there_before_is_replaced(make_folder, tmp_path: Path, run: StepRun) -> None:
    out = tmp_path / "prepared"
    (out / "train").mkdir(parents=True)
    (out / "train" / "stale.arrow").write_bytes(b"x")
    prepare(str(make_folder({"cat": 9, "dog": 9})), 0, CONFIG, out, run)
    assert not (out / "train" / "stale.arrow").exists()
    assert sorted(p.name for p in out.iterdir()) == sorted(
        ["train", "val", "test", "calibration", DATASET_FILE, SPLITS_FILE, REPORT_FILE]
    )


def test_an_image_that_changes_meanwhile_is_noticed(
    make_folder, tmp_path: Path, run: StepRun, monkeypatch
) -> None:
    from vitforge.data import examine as module

    root = make_folder({"cat": 9, "dog": 9})
    check = module.check_images

    def then_change(*arguments: Any) -> Any:
        found = check(*arguments)
        shutil.copyfile(root / "dog" / "000.png", root / "cat" / "000.png")
        return found

    monkeypatch.setattr(module, "check_images", then_change)
    with pytest.raises(VitforgeError, match="changed while") as caught:
        prepare(str(root), 0, CONFIG, tmp_path / "out", run)
    assert caught.value.where == "cat/000.png"


def test_the_digits(tmp_path: Path, run: StepRun) -> None:
    info = prepare("digits", 0, DataConfig(), tmp_path / "out", run)
    assert sum(info.sizes[name] for name in ("train", "val", "test")) == 1797
    assert info.sizes["test"] >= 350
    assert info.sizes["calibration"] == 128
    assert info.classes == tuple("0123456789")
    assert (tmp_path / "out" / REPORT_FILE).stat().st_size < 2_000_000


def test_the_component_runs_as_a_plain_function(make_folder, tmp_path: Path, monkeypatch) -> None:
    from kfp import dsl

    from vitforge.data.component import prepare_data

    monkeypatch.setenv("VITFORGE_SPOOL", str(tmp_path / "spool"))
    artifact = dsl.Dataset(uri=str(tmp_path / "prepared"))
    prepare_data.python_func(
        dataset=str(make_folder({"cat": 9, "dog": 9})),
        seed=0,
        data={"val_fraction": 0.2},
        prepared=artifact,
    )
    assert DatasetInfo.load(tmp_path / "prepared" / DATASET_FILE).sizes["val"] == 4
