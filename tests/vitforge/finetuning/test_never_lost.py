"""The step when it is stopped, killed, or trained by several processes; and what it tells."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import safetensors.torch
import torch

from vitforge.artifacts import BackboneSpec, DatasetInfo, Plan
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.errors import VitforgeError
from vitforge.finetuning import worker
from vitforge.finetuning.finetune import finetune
from vitforge.finetuning.launch import last_words
from vitforge.finetuning.snapshots import snapshot_store
from vitforge.tracking import StepRun

FORK = multiprocessing.get_context("fork")
TINY = {
    "img_size": 16,
    "patch_size": 8,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 2,
    "weight_init": "moco",
}


def plan(folder: Path, epochs: int = 6, **recipe: object) -> Path:
    augmentation = AugmentationConfig(min_crop=0.8, mixup=0.2)
    settings = {"batch_size": 16, "learning_rate": 3e-3, "warmup_epochs": 1, "device": "cpu"}
    settings |= {"snapshot_steps": 3, "watch_every": 4, "ema_decay": 0.9}
    Plan(
        backbone=BackboneSpec(
            library="timm", name="vit_tiny_patch16_224", args=TINY, pretrained=False, label="tiny"
        ),
        strategy="full",
        epochs=epochs,
        seed=0,
        recipe=FinetuningConfig.model_validate(
            {**settings, "augmentation": augmentation, **recipe}
        ),
        image_size=16,
        candidates=(),
        reasons=(),
        expected_seconds=2.0,
    ).save(folder / "plan.json")
    return folder


def step(colours: Path, planned: Path, root: Path) -> None:
    torch.set_num_threads(1)
    with StepRun("finetune_model", root / "spool") as run:
        finetune(colours, planned, root / "checkpoint", run)


def events(root: Path) -> list[dict[str, Any]]:
    file = root / "spool" / "finetune_model" / "events.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def notes(root: Path) -> list[str]:
    return [event["text"] for event in events(root) if event["kind"] == "note"]


def wait_for(root: Path, done: int, process: Any) -> None:
    """Until the training has done so many steps."""
    until = time.time() + 120
    while not any(e["kind"] == "progress" and e["done"] >= done for e in events(root)):
        assert time.time() < until and process.is_alive()
        time.sleep(0.01)


def weights(root: Path) -> bytes:
    return (root / "checkpoint" / "model.safetensors").read_bytes()


@pytest.fixture
def slow_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Steps long enough to be met between two of them."""
    from vitforge.training.watching import Watcher

    fast = Watcher.on_gradients

    def slow(*args: Any) -> None:
        time.sleep(0.02)
        fast(*args)

    monkeypatch.setattr(Watcher, "on_gradients", slow)
    yield


@pytest.mark.slow
def test_stopped_and_gone_on_with_by_the_same_command(
    colours: Path, tmp_path: Path, slow_steps: None
) -> None:
    planned, root = plan(tmp_path / "plan"), tmp_path / "run"
    for number in (signal.SIGTERM, signal.SIGKILL):
        before = max((e["done"] for e in events(root) if e["kind"] == "progress"), default=0)
        process = FORK.Process(target=step, args=(colours, planned, root))
        process.start()
        wait_for(root, before + 5, process)
        os.kill(process.pid or 0, number)
        process.join(30)
        assert process.exitcode == (1 if number == signal.SIGTERM else -number)
    ended = next(event for event in events(root) if event["kind"] == "end")
    assert ended["status"] == "FAILED" and "SIGTERM" in ended["cause"]
    assert "is saved" in ended["cause"] and "same command" in ended["mend"]
    step(colours, planned, root)
    assert sum(note.startswith("goes on from step") for note in notes(root)) == 2
    assert not list((root / "spool" / "finetune_model" / "snapshots").glob("*"))
    step(colours, planned, tmp_path / "whole")
    assert weights(root) == weights(tmp_path / "whole")


def test_where_snapshots_lie(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a volume another pod finds them; no other training does."""
    mine = Plan.load(plan(tmp_path / "mine") / "plan.json")
    other = Plan.load(plan(tmp_path / "other", dropout=0.1) / "plan.json")
    info = DatasetInfo.load(colours / "dataset.json")
    first, second = tmp_path / "pod-1", tmp_path / "pod-2"
    assert snapshot_store(mine, info, first).folder.parent == first / "snapshots"
    monkeypatch.setenv("VITFORGE_SNAPSHOTS", str(tmp_path / "volume"))
    folder = snapshot_store(mine, info, first).folder
    assert folder.parent == tmp_path / "volume"
    again = mine.model_copy(update={"expected_seconds": 9.0})  # measured anew
    assert snapshot_store(again, info, second).folder == folder
    changed = info.model_copy(update={"fingerprint": "1" * 64})
    others = {
        snapshot_store(other, info, first).folder,
        snapshot_store(mine, changed, first).folder,
    }
    assert len(others | {folder}) == 3


def test_what_the_run_holds(colours: Path, tmp_path: Path) -> None:
    step(colours, plan(tmp_path / "plan"), tmp_path)
    told = events(tmp_path)
    named = {name for e in told if e["kind"] == "metrics" for name in e["values"]}
    assert {
        "step/loss",
        "step/learning_rate",
        "step/images_per_second",
        "gradient/norm",
        "gradient/attention_00",
        "gradient/mlp_01",
        "update/block_01",
        "attention_entropy/layer_01",
        "train_loss",
        "val_top1",
        "learning_rate",
    } <= named
    looked = [e["at"] for e in told if e["kind"] == "metrics" and "step/loss" in e["values"]]
    assert looked == [1, 2, *range(4, 25, 4)]
    files = {Path(e["path"]).name for e in told if e["kind"] == "file"}
    assert {"first_batch.png", "curves.png", "gradient_flow.png", "report.html"} <= files
    tags = {name: value for e in told if e["kind"] == "tags" for name, value in e["values"].items()}
    assert len(tags["vitforge.code"]) == 64 and tags["vitforge.dataset_fingerprint"] == "0" * 64


def test_no_number_names_images_and_the_last_good_state(colours: Path, tmp_path: Path) -> None:
    wild = {"learning_rate": 1.0, "clip_norm": 0.0, "beta2": 0.0, "weight_decay": 1e8}
    planned = plan(tmp_path / "plan", 8, snapshot_steps=1, drop_path=0.0, **wild)
    with pytest.raises(VitforgeError, match="the loss became") as told:
        step(colours, planned, tmp_path)
    assert "train-" in told.value.where
    last = Path(told.value.where.split("last good state: ")[1])
    kept = safetensors.torch.load_file(last / "state.safetensors")
    assert all(bool(t.isfinite().all()) for name, t in kept.items() if ".weights." in name)
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.slow
def test_two_processes_of_which_one_is_killed(colours: Path, tmp_path: Path) -> None:
    """Started by torchrun, which starts both anew: they go on from the last snapshot."""
    planned = plan(tmp_path / "plan", 40, processes=2, snapshot_steps=10, drop_path=0.0)
    process = FORK.Process(target=step, args=(colours, planned, tmp_path / "killed"))
    process.start()
    wait_for(tmp_path / "killed", 40, process)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "vitforge.finetuning.worker" in child.cmdline()
        and "torch.distributed.run" not in child.cmdline()
    ]
    assert len(workers) == 2
    workers[1].kill()
    process.join(240)
    assert process.exitcode == 0
    assert any(note.startswith("goes on from step") for note in notes(tmp_path / "killed"))
    kinds = [event["kind"] for event in events(tmp_path / "killed")]
    assert kinds.count("start") == kinds.count("end") == 1
    step(colours, planned, tmp_path / "whole")
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def test_each_process_leaves_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a fault that no restart mends, with the rank: who hears of it is another process."""

    def fall(*_: object) -> None:
        raise RuntimeError("no core left\nat all")

    monkeypatch.setenv("VITFORGE_SPOOL", str(tmp_path))
    monkeypatch.setattr(worker, "train", fall)
    monkeypatch.setattr(worker, "_stop_when_orphaned", lambda: None)
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        with pytest.raises(RuntimeError):
            worker.main(tmp_path, tmp_path, tmp_path)
    said = "RuntimeError: no core left"
    assert last_words(tmp_path / worker.STEP) == [f"process 0: {said}", f"process 1: {said}"]
