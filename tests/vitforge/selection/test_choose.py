"""Pretrained candidates: frozen features pick, a short fine-tune decides; the zoo; the page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vitforge.artifacts import CandidateResult, DatasetInfo, Plan
from vitforge.backbones import hub
from vitforge.config import AugmentationConfig, Candidate, FinetuningConfig, SelectionConfig
from vitforge.errors import VitforgeError
from vitforge.selection import select as step
from vitforge.selection import shortlist as listing
from vitforge.selection.choose import pick_finalists
from vitforge.selection.measure import Measured
from vitforge.selection.page import pareto_front
from vitforge.selection.prior import prior_order
from vitforge.selection.zoo import zoo
from vitforge.tracking import StepRun

RECIPE = FinetuningConfig(
    batch_size=16,
    device="cpu",
    augmentation=AugmentationConfig(
        randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
    ),
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    torch.set_num_threads(1)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def saved(tmp_path: Path) -> list[Candidate]:
    """Three small backbones with weights, as folders."""
    import timm
    from timm.models import save_for_hf

    found = []
    for seed in range(3):
        torch.manual_seed(seed)
        args = {"img_size": 16, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 2}
        model = timm.create_model("vit_tiny_patch16_224", num_classes=7, **args)
        folder = tmp_path / f"saved-{seed}"
        save_for_hf(model, folder, model_args=args, safe_serialization=True)
        found.append(Candidate(backbone=str(folder), label=f"saved {seed}"))
    return found


def select(colours: Path, out: Path, backbone: str = "", **config: Any) -> Plan:
    with StepRun("select_model", out / "spool") as run:
        return step.select(
            colours, backbone=backbone, strategy="full", epochs=3, seed=0,
            config=SelectionConfig.model_validate(config), recipe=RECIPE, out=out / "plan", run=run,
        )  # fmt: skip


def test_features_pick_two_and_the_trial_decides(
    colours: Path, tmp_path: Path, saved: list[Candidate]
) -> None:
    plan = select(colours, tmp_path, candidates=saved, trial_steps=4)
    assert all(row.probe_top1 is not None and row.logme is not None for row in plan.candidates)
    tried = [row.name for row in plan.candidates if row.trial_top1 is not None]
    by_probe = sorted(plan.candidates, key=lambda row: -(row.probe_top1 or 0))
    assert len(tried) == 2
    assert min(r.probe_top1 or 0 for r in plan.candidates if r.name in tried) >= (
        by_probe[2].probe_top1 or 0
    )
    assert plan.backbone.label in tried and plan.runner_up in tried
    assert plan.runner_up != plan.backbone.label and "right against" in plan.runner_up_because
    assert any("went on to a short fine-tune; left out" in reason for reason in plan.reasons)
    assert plan.predicted_memory_mib is not None and 0 < plan.predicted_memory_mib < 50
    events = (tmp_path / "spool" / "select_model" / "events.jsonl").read_text()
    assert "memory_predicted_mib" in events and "seconds_predicted" in events
    assert "report.html" in events


def test_features_are_kept_without_pickle(
    colours: Path, tmp_path: Path, saved: list[Candidate]
) -> None:
    plan = select(colours, tmp_path, candidates=saved[:1], trial_steps=0)
    (row,) = plan.candidates
    with np.load(tmp_path / "plan" / row.features_file, allow_pickle=False) as kept:
        assert kept["features"].shape == (64, 32) and kept["features"].dtype == np.float32
        assert len(set(kept["ids"].tolist())) == 64 == row.features_n
        truth = {f"train-{i}": i % 4 for i in range(64)}
        assert [truth[one] for one in kept["ids"].tolist()] == kept["labels"].tolist()
    # With no trial, the probe's interval is the deciding one.
    assert (row.low, row.high, row.n) == (row.probe_low, row.probe_high, 64)
    assert row.train_ms > 0 and row.trial_top1 is None


def test_the_report_shows_the_front_and_who_was_left_out(
    colours: Path, tmp_path: Path, saved: list[Candidate]
) -> None:
    away = Candidate(backbone="nobody/nothing-at-all")
    plan = select(colours, tmp_path, candidates=[*saved, away], trial_steps=4)
    page = (tmp_path / "plan" / "report.html").read_text()
    assert "<svg" in page and "Pareto front" in page and plan.runner_up in page
    assert "hf download nobody/nothing-at-all" in page and "nearest neighbours" in page


def test_pareto_by_hand() -> None:
    points = [(1.0, 80.0, "a"), (2.0, 79.0, "b"), (3.0, 90.0, "c"), (1.0, 70.0, "d")]
    assert [name for _, _, name in pareto_front(points)] == ["a", "c"]


def test_a_close_third_is_told() -> None:
    def found(right: int, latency: float) -> Measured:
        row = CandidateResult(
            name="", parameters=1, image_size=8, tokens=1, latency_ms=latency, train_ms=0
        )
        return Measured(None, row, None, torch.arange(100) < right)  # type: ignore[arg-type]

    live = {
        "far": found(40, 1),
        "third": found(88, 1),
        "first": found(90, 1),
        "second": found(89, 1),
    }
    names, told = pick_finalists(live)
    assert names == ["first", "second"]
    assert "far" in told[0] and told[1].startswith("third cannot be told from second")


def test_offline_the_zoo_is_skipped_with_commands(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(VitforgeError, match="no candidate could be measured") as told:
        select(colours, tmp_path, candidates="zoo")
    assert "hf download timm/vit_small_patch16_224.augreg_in21k_ft_in1k" in told.value.mend
    assert "HF_ENDPOINT" in told.value.mend


def test_offline_what_is_named_is_measured_and_the_zoo_told(
    colours: Path, tmp_path: Path, saved: list[Candidate]
) -> None:
    listed = ["zoo", saved[0].model_dump()]
    plan = select(colours, tmp_path, candidates=listed, trial_steps=4)
    rows = {row.name: row for row in plan.candidates}
    assert len(rows) == 1 + len(zoo()) and not rows["saved 0"].skipped
    dino = rows["timm/vit_base_patch16_dinov3.lvd1689m"]
    assert "terms of its own" in dino.skipped and dino.licence == "dinov3-license"
    assert "hf download" in rows["timm/deit_tiny_patch16_224.fb_in1k"].mend


def test_the_shortlist_takes_what_passes(colours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "in_cache", lambda _: True)
    info = DatasetInfo.load(colours / "dataset.json")
    config = SelectionConfig(zoo=True, shortlist=3, max_parameters=30_000_000, use="research")
    taken, passed = listing.shortlist(config, info, RECIPE, "full")
    small = [e.backbone for e in prior_order(zoo()) if e.parameters <= 30_000_000]
    assert [one.backbone for one in taken] == small[:3]
    assert all("over max_parameters" in row.skipped for row in passed)


@pytest.mark.parametrize(
    ("demand", "said"),
    [({"max_memory_gib": 0.5}, "over max_memory_gib"), ({"max_latency_ms": 1e-3}, "ms an image")],
)
def test_memory_and_latency_keep_the_zoo_out(
    colours: Path, monkeypatch: pytest.MonkeyPatch, demand: dict[str, float], said: str
) -> None:
    known = {"timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"}
    monkeypatch.setattr(listing, "zoo", lambda: [e for e in zoo() if e.backbone in known])
    monkeypatch.setattr(listing, "in_cache", lambda _: True)
    info = DatasetInfo.load(colours / "dataset.json")
    config = SelectionConfig.model_validate({"zoo": True, **demand})
    taken, (row,) = listing.shortlist(config, info, RECIPE, "full")
    assert not taken and said in row.skipped
    taken, passed = listing.shortlist(SelectionConfig(zoo=True), info, RECIPE, "full")
    assert len(taken) == 1 and not passed


def test_a_forbidden_licence_is_refused_by_name(colours: Path, tmp_path: Path) -> None:
    name = "timm/convnextv2_tiny.fcmae_ft_in22k_in1k"
    with pytest.raises(VitforgeError, match=r"forbids selection\.use") as told:
        select(colours, tmp_path, backbone=name)
    assert "selection.use: research" in told.value.mend
    with pytest.raises(VitforgeError, match="cannot be reached"):
        select(colours, tmp_path, backbone=name, use="research")


def test_nothing_to_measure(colours: Path, tmp_path: Path) -> None:
    with pytest.raises(VitforgeError, match="no candidate to measure"):
        select(colours, tmp_path, candidates=[])


def test_the_cache_is_looked_into(tmp_path: Path) -> None:
    assert not hub.in_cache("timm/some") and not hub.hub_answers()
    snapshot = tmp_path / "hub" / "models--timm--some" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "hub" / "models--timm--some" / "refs").mkdir()
    (tmp_path / "hub" / "models--timm--some" / "refs" / "main").write_text("abc")
    (snapshot / "config.json").write_text(json.dumps({}))
    assert not hub.in_cache("timm/some")
    (snapshot / "model.safetensors").write_bytes(b"")
    assert hub.in_cache("timm/some")


def test_memory_is_that_of_the_step_and_the_copies(colours: Path, saved: list[Candidate]) -> None:
    """The engine keeps the best weights, and with an average on, that too."""
    from vitforge.selection.candidates import spec_of
    from vitforge.selection.cost import predicted_mib

    info, spec = DatasetInfo.load(colours / "dataset.json"), spec_of(saved[0])
    plain = predicted_mib(spec, 16, info, RECIPE, "full")
    averaged = predicted_mib(spec, 16, info, RECIPE.model_copy(update={"ema_decay": 0.9}), "full")
    import timm

    args = {"img_size": 16, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 2}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=4, **args)
    weights = 4 * sum(p.numel() for p in model.parameters()) / 2**20
    assert averaged - plain == pytest.approx(weights, rel=1e-6)
    assert predicted_mib(spec, 16, info, RECIPE, "head") < plain
