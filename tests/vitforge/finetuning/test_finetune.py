"""The step from artifact to artifact."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vitforge.artifacts import (
    BackboneSpec,
    CandidateResult,
    DatasetInfo,
    Plan,
    Preprocessing,
    TrainingSummary,
)
from vitforge.artifacts.features import FrozenFeatures, features_key
from vitforge.backbones import build
from vitforge.backbones.checkpoint import load_checkpoint
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.errors import VitforgeError
from vitforge.finetuning.finetune import finetune
from vitforge.preprocessing import to_array
from vitforge.splits import open_split
from vitforge.tracking import StepRun
from vitforge.training.images import load_images
from vitforge.training.preparation import choose_preprocessing

TINY = {
    "img_size": 16,
    "patch_size": 8,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 2,
    "weight_init": "moco",
}


def plan(folder: Path, **recipe: object) -> Path:
    quiet = AugmentationConfig(
        randaugment_ops=0, horizontal_flip=0.5, min_crop=0.8, erasing=0, mixup=0.1, cutmix=0
    )
    settings = {"batch_size": 16, "learning_rate": 3e-3, "warmup_epochs": 1, "device": "cpu"}
    Plan(
        backbone=BackboneSpec(
            library="timm", name="vit_tiny_patch16_224", args=TINY, pretrained=False, label="tiny"
        ),
        strategy="full",
        epochs=10,
        seed=0,
        recipe=FinetuningConfig.model_validate({**settings, "augmentation": quiet, **recipe}),
        image_size=16,
        candidates=(),
        reasons=(),
        expected_seconds=2.0,
    ).save(folder / "plan.json")
    return folder


def train(colours: Path, root: Path, **recipe: object) -> TrainingSummary:
    torch.set_num_threads(1)
    with StepRun("finetune_model", root / "spool") as run:
        return finetune(colours, plan(root / "plan", **recipe), root / "checkpoint", run)


def test_a_checkpoint_that_predicts_the_test_split(colours: Path, tmp_path: Path) -> None:
    summary = train(colours, tmp_path)
    out = tmp_path / "checkpoint"
    assert {f.name for f in out.iterdir()} == {
        "model.safetensors",
        "config.json",
        "preprocessing.json",
        "training.json",
        "report.html",
    }
    assert TrainingSummary.load(out / "training.json") == summary
    assert summary.dataset_fingerprint == DatasetInfo.load(colours / "dataset.json").fingerprint
    assert len(summary.epochs) == 10 and summary.expected_seconds == 2.0
    backbone, config, how = load_checkpoint(out)
    assert config.classes == DatasetInfo.load(colours / "dataset.json").classes
    rows = open_split(colours, "test")
    images = np.stack([to_array(row["image"], how) for row in rows])
    with torch.inference_mode():
        predicted = backbone(torch.from_numpy(images)).argmax(1).numpy()
    assert (predicted == np.array(rows["label"][:])).mean() >= 0.9
    events = (tmp_path / "spool" / "finetune_model" / "events.jsonl").read_text()
    assert "curves.png" in events and "val_top1" in events and "epoch 10/10" in events


def test_twice_the_same_bytes(colours: Path, tmp_path: Path) -> None:
    train(colours, tmp_path / "a")
    train(colours, tmp_path / "b")
    first, second = (
        (tmp_path / run / "checkpoint" / "model.safetensors").read_bytes() for run in "ab"
    )
    assert first == second


def test_a_failure_leaves_nothing(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(VitforgeError, match="the loss became"):
        train(colours, tmp_path, learning_rate=1.0, clip_norm=0.0, beta2=0.0, weight_decay=1e20)
    assert not (tmp_path / "checkpoint").exists()


def test_training_sees_what_serving_sees(colours: Path) -> None:
    """Bytes normalised on the device are the floats that `to_array` makes."""
    from vitforge.training.normalise import normalise, to_unit

    how = Preprocessing(image_size=24, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    images = load_images(colours, "val", how)
    got = normalise(to_unit(images.pixels_NCHW), how).numpy()
    rows = open_split(colours, "val")
    for at, row in enumerate(rows):
        np.testing.assert_allclose(got[at], to_array(row["image"], how), atol=1e-5)
        assert images.ids[at] == row["id"] and images.labels_N[at] == row["label"]


def test_large_splits_live_in_a_file(colours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vitforge.training import cache, images

    how = Preprocessing(image_size=16, mean=(0.5,) * 3, std=(0.5,) * 3)
    small = images.load_images(colours, "train", how)
    monkeypatch.setattr(cache, "IN_MEMORY", 100)
    large = images.load_images(colours, "train", how)
    assert torch.equal(small.pixels_NCHW, large.pixels_NCHW)


def test_a_head_starts_from_the_features_that_the_plan_keeps(colours: Path, tmp_path: Path) -> None:
    settings = {"batch_size": 16, "warmup_epochs": 1, "device": "cpu", "frozen_cache": "on"}
    still = {"randaugment_ops": 0, "horizontal_flip": 0, "min_crop": 1, "erasing": 0}
    folder = plan(tmp_path / "plan", **settings, augmentation=AugmentationConfig(**still))
    planned = Plan.load(folder / "plan.json")
    info = DatasetInfo.load(colours / "dataset.json")
    backbone = build(planned.backbone, len(info.classes)).eval()
    how = choose_preprocessing(backbone, info, planned.recipe.augmentation)
    ids = tuple(load_images(colours, "train", how).ids[:20])
    FrozenFeatures(
        np.zeros((20, 32), np.float32),
        np.zeros(20, np.int64),
        ids,
        features_key(planned.backbone, how, info.fingerprint),
    ).save(folder / "features" / "tiny.npz")
    row = CandidateResult(
        name="tiny",
        parameters=1,
        image_size=16,
        tokens=5,
        latency_ms=1,
        train_ms=1,
        features_file="features/tiny.npz",
    )
    changes = {"strategy": "head", "epochs": 2, "candidates": (row,)}
    planned.model_copy(update=changes).save(folder / "plan.json")
    with StepRun("finetune_model", tmp_path / "spool") as run:
        finetune(colours, folder, tmp_path / "checkpoint", run)
    events = (tmp_path / "spool" / "finetune_model" / "events.jsonl").read_text()
    assert "features of 20 images are the plan's" in events
