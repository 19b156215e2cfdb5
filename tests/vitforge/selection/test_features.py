"""Frozen features: written, found again by what made them, and completed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vitforge.artifacts import DatasetInfo, Plan, Preprocessing
from vitforge.artifacts.features import FrozenFeatures, features_key, planned_features
from vitforge.backbones import build
from vitforge.config import Candidate, FinetuningConfig, SelectionConfig
from vitforge.errors import VitforgeError
from vitforge.selection import select as step
from vitforge.selection.sample import SampleImages, draw_sample
from vitforge.tracking import StepRun
from vitforge.training.images import load_images
from vitforge.training.normalise import normalise, to_unit
from vitforge.training.preparation import choose_preprocessing

ARGS = {"img_size": 16, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2}


def test_what_a_plan_keeps_equals_the_features_computed_anew(colours: Path, tmp_path: Path) -> None:
    """From a plan of 30 images to all 64 training images, as a head-only training would."""
    import timm
    from timm.models import save_for_hf

    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", num_classes=7, **ARGS)
    save_for_hf(model, tmp_path / "saved", model_args=ARGS, safe_serialization=True)
    recipe = FinetuningConfig(device="cpu", batch_size=16)
    with StepRun("select_model", tmp_path / "spool") as run:
        step.select(
            colours,
            backbone="",
            strategy="head",
            epochs=1,
            seed=0,
            config=SelectionConfig(
                candidates=(Candidate(backbone=str(tmp_path / "saved")),),
                sample_images=30,
                trial_steps=0,
            ),
            recipe=recipe,
            out=tmp_path / "plan",
            run=run,
        )
    plan = Plan.load(tmp_path / "plan" / "plan.json")
    info = DatasetInfo.load(colours / "dataset.json")
    backbone = build(plan.backbone, 4).eval()
    how = choose_preprocessing(backbone, info, recipe.augmentation)
    key = features_key(plan.backbone, how, info.fingerprint)
    kept = planned_features(tmp_path / "plan", plan, key)
    assert kept is not None and len(kept.ids) == 30

    images = load_images(colours, "train", how)
    with torch.inference_mode():
        fresh = backbone.features(normalise(to_unit(images.pixels_NCHW), how)).numpy()
    asked: list[int] = []

    def compute(missing: list[int]) -> np.ndarray:
        asked.extend(missing)
        return fresh[missing]

    np.testing.assert_allclose(kept.complete(images.ids, compute), fresh, atol=1e-5)
    assert len(asked) == 34
    assert not {images.ids[at] for at in asked} & set(kept.ids)
    np.testing.assert_array_equal(
        kept.labels_N, images.labels_N.numpy()[[images.ids.index(name) for name in kept.ids]]
    )
    other = how.model_copy(update={"resize": "squash"})
    for key in (
        features_key(plan.backbone, other, info.fingerprint),
        features_key(plan.backbone, how, "1" * 64),
    ):
        assert planned_features(tmp_path / "plan", plan, key) is None


def test_nothing_is_computed_when_all_is_kept(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    FrozenFeatures(values, np.array([0, 1, 0]), ("a", "b", "c"), "k").save(tmp_path / "f.npz")
    kept = FrozenFeatures.load(tmp_path / "f.npz")
    assert kept.complete(["c", "a"], lambda _: pytest.fail("all is kept")).tolist() == [
        [4, 5],
        [0, 1],
    ]


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_broken_file_is_told(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(VitforgeError, match="cannot be read") as told:
        FrozenFeatures.load(tmp_path / "f.npz")
    assert "vitforge plan CONFIG" in told.value.mend


def test_candidates_of_one_size_share_what_was_decoded(colours: Path, monkeypatch) -> None:
    from vitforge.selection import sample as module

    calls = []
    monkeypatch.setattr(module, "load_images", lambda *given: calls.append(given) or len(calls))
    info = DatasetInfo.load(colours / "dataset.json")
    images = SampleImages(colours, draw_sample(info, 30, seed=0))
    how = Preprocessing(image_size=16, mean=(0.5,) * 3, std=(0.5,) * 3)
    scaled = how.model_copy(update={"mean": (0.1,) * 3})
    assert images.fit(how) == images.fit(scaled) != images.held_out(how)
    assert images.fit(how.model_copy(update={"resize": "squash"})) != images.fit(how)
    assert len(calls) == 3
