"""Candidates measured on a tiny data set, with every way to be left out."""

from pathlib import Path
from typing import Any

import pytest
import torch

from vitforge.artifacts import Plan
from vitforge.config import AugmentationConfig, Candidate, FinetuningConfig, SelectionConfig
from vitforge.errors import VitforgeError
from vitforge.selection import select as step
from vitforge.selection.expect import expected_seconds
from vitforge.selection.sample import draw_sample
from vitforge.tracking import StepRun

RECIPE = FinetuningConfig(
    batch_size=16,
    device="cpu",
    augmentation=AugmentationConfig(
        randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
    ),
)


def vit(label: str, **changes: Any) -> Candidate:
    args = {
        "img_size": 16,
        "patch_size": 8,
        "embed_dim": 32,
        "depth": 2,
        "num_heads": 2,
        "weight_init": "moco",
        **changes,
    }
    return Candidate(backbone="timm/vit_tiny_patch16_224", pretrained=False, args=args, label=label)


AWAY = Candidate(backbone="nobody/nothing-at-all")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    torch.set_num_threads(1)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def select(colours: Path, out: Path, config: SelectionConfig, backbone: str = "") -> Plan:
    with StepRun("select_model", out / "spool") as run:
        return step.select(
            colours,
            backbone=backbone,
            strategy="full",
            epochs=3,
            seed=0,
            config=config,
            recipe=RECIPE,
            out=out / "plan",
            run=run,
        )


def test_the_best_is_taken_and_told(colours: Path, tmp_path: Path) -> None:
    config = SelectionConfig(candidates=(vit("a"), vit("b", depth=1)), trial_steps=30)
    plan = select(colours, tmp_path, config)
    assert Plan.load(tmp_path / "plan" / "plan.json") == plan
    assert {row.name for row in plan.candidates} == {"a", "b"}
    for row in plan.candidates:
        assert row.trial_top1 is not None and row.low is not None and row.high is not None
        assert row.low <= row.trial_top1 <= row.high and row.n == 21
        assert row.latency_ms > 0 and row.train_ms > 0 and row.tokens == 5
    assert "cannot be told apart" in plan.reasons[-1] or "more accurate" in plan.reasons[-1]
    assert plan.expected_seconds > 0 and plan.image_size == 16


def test_a_tie_goes_to_the_faster(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitforge.selection import measure

    speeds = iter([9.0, 1.0])
    monkeypatch.setattr(measure, "latency_ms", lambda *_: next(speeds))
    config = SelectionConfig(candidates=(vit("slow"), vit("fast")), trial_steps=4)
    plan = select(colours, tmp_path, config)
    assert plan.backbone.label == "fast" and "fastest" in plan.reasons[-1]


def test_a_better_one_beats_a_faster(
    colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitforge.selection import measure
    from vitforge.selection.trial import Trial

    right = iter([True, False])
    monkeypatch.setattr(
        measure, "run_trial", lambda *_, **__: Trial(torch.full((21,), next(right)), 0.01, 16)
    )
    speeds = iter([9.0, 1.0])
    monkeypatch.setattr(measure, "latency_ms", lambda *_: next(speeds))
    config = SelectionConfig(candidates=(vit("better"), vit("faster")), trial_steps=4)
    assert select(colours, tmp_path, config).backbone.label == "better"


def test_unreachable_candidates_are_skipped_and_told(colours: Path, tmp_path: Path) -> None:
    plan = select(colours, tmp_path, SelectionConfig(candidates=(AWAY, vit("here")), trial_steps=4))
    assert plan.backbone.label == "here"
    assert "cannot be reached" in plan.candidates[0].skipped
    assert any("was skipped" in reason for reason in plan.reasons)


def test_none_left_names_the_ways_out(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(VitforgeError, match="no candidate") as told:
        select(colours, tmp_path, SelectionConfig(candidates=(AWAY,)))
    assert "HF_HOME" in told.value.mend and "pretrained: false" in told.value.mend
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize("demand", [{"max_parameters": 100}, {"max_latency_ms": 1e-6}])
def test_demands_come_first(colours: Path, tmp_path: Path, demand: dict[str, float]) -> None:
    config = SelectionConfig.model_validate({"candidates": (vit("big"),), **demand})
    with pytest.raises(VitforgeError, match=next(iter(demand))):
        select(colours, tmp_path, config)


def test_a_named_backbone_is_taken_unranked(colours: Path, tmp_path: Path) -> None:
    config = SelectionConfig(candidates=(AWAY, vit("mine")))
    plan = select(colours, tmp_path, config, backbone="mine")
    (row,) = plan.candidates
    assert plan.backbone.args["embed_dim"] == 32 and row.trial_top1 is None
    assert row.latency_ms > 0 and row.train_ms > 0 and plan.expected_seconds > 0
    with pytest.raises(VitforgeError, match="cannot be reached"):
        select(colours, tmp_path / "away", config, backbone="nobody/nothing-at-all")


def test_frozen_features_rank_where_no_trial_is_wanted(colours: Path, tmp_path: Path) -> None:
    import timm
    from timm.models import save_for_hf

    args = vit("x").args
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", num_classes=7, **args)
    save_for_hf(model, tmp_path / "saved", model_args=args, safe_serialization=True)
    config = SelectionConfig(
        candidates=(vit("random"), Candidate(backbone=str(tmp_path / "saved"))), trial_steps=0
    )
    plan = select(colours, tmp_path, config)
    assert plan.backbone.pretrained
    assert "cannot be ranked" in plan.candidates[0].skipped
    assert plan.candidates[1].knn_top1 is not None and plan.candidates[1].trial_top1 is None


def test_only_the_training_split_is_looked_at(colours: Path, tmp_path: Path) -> None:
    import shutil

    alone = tmp_path / "alone"
    shutil.copytree(colours, alone)
    for split in ("val", "test", "calibration"):
        shutil.rmtree(alone / split)
    select(alone, tmp_path, SelectionConfig(candidates=(vit("a"),), trial_steps=4))


def test_the_sample_is_split_without_overlap(colours: Path) -> None:
    from vitforge.artifacts import DatasetInfo

    info = DatasetInfo.load(colours / "dataset.json")
    sample = draw_sample(info, 30, seed=0)
    assert len(sample.fit) == 20 and len(sample.held_out) == 10
    assert not set(sample.fit) & set(sample.held_out)
    assert sample == draw_sample(info, 30, seed=0) != draw_sample(info, 30, seed=1)


def test_expected_seconds_by_hand(colours: Path, tmp_path: Path) -> None:
    config = SelectionConfig(candidates=(vit("a"),), trial_steps=4)
    row = select(colours, tmp_path, config).candidates[0].model_copy(update={"train_ms": 2.0})
    recipe = RECIPE.model_copy(update={"validate_every": 4})
    # 10 epochs of 100 images, 3 validations of 30 images at a third of the cost
    assert expected_seconds(row, recipe, 10, 100, 30) == pytest.approx(2.06)


def test_unknown_strategy(colours: Path, tmp_path: Path) -> None:
    with StepRun("s", tmp_path) as run, pytest.raises(VitforgeError, match="unknown strategy"):
        step.select(
            colours, backbone="", strategy="most", epochs=1, seed=0, config=SelectionConfig(),
            recipe=RECIPE, out=tmp_path, run=run,
        )  # fmt: skip
