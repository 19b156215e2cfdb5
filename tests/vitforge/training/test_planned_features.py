"""A head trained on the plan's features equals one whose features are all computed."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.artifacts.features import FrozenFeatures
from vitforge.backbones import build
from vitforge.config import FinetuningConfig
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job
from vitforge.training.normalise import normalise, to_unit
from vitforge.training.prefix import SplitAtHead

KEPT = 10


@pytest.fixture
def job(train: ImageSet, val: ImageSet, how: Preprocessing, recipe: FinetuningConfig) -> Job:
    """Without augmentation."""
    recipe = recipe.model_copy(update={"frozen_cache": "on"})
    return Job(train, val, 4, how, recipe, "head", epochs=3, seed=3)


@pytest.fixture
def kept(job: Job, tiny_spec: BackboneSpec) -> FrozenFeatures:
    """Of the last ten training images, backwards, and of one that is in no training."""
    torch.manual_seed(0)
    rows = torch.arange(len(job.train)).flip(0)[:KEPT]
    with torch.inference_mode():
        images = normalise(to_unit(job.train.pixels_NCHW[rows]), job.how)
        values = build(tiny_spec, 4).eval().features(images)
    ids = (*(job.train.ids[row] for row in rows), "another")
    labels = torch.zeros(KEPT + 1, dtype=torch.int64)
    return FrozenFeatures(
        torch.cat([values, torch.full_like(values[:1], 99.0)]).numpy(), labels.numpy(), ids, "k"
    )


def trained(job: Job, spec: BackboneSpec) -> tuple[torch.Tensor, str]:
    torch.manual_seed(0)
    backbone = build(spec, 4)
    note = fit(backbone, job).note
    return torch.cat([p.detach().flatten() for p in backbone.parameters()]), note


def test_weights_are_equal_and_only_the_rest_is_computed(
    job: Job, kept: FrozenFeatures, tiny_spec: BackboneSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    capture = SplitAtHead.capture

    def counted(self: SplitAtHead, images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return capture(self, images)

    monkeypatch.setattr(SplitAtHead, "capture", counted)
    without, _ = trained(job, tiny_spec)
    computed, seen[:] = sum(seen), []
    with_plan, note = trained(replace(job, planned=kept), tiny_spec)
    assert f"features of {KEPT} images are the plan's" in note
    # One blank image more, which tells the activations' shape.
    assert sum(seen) == computed - KEPT + 1
    torch.testing.assert_close(with_plan, without, rtol=0, atol=1e-6)

    wrong = replace(kept, values_ND=kept.values_ND + 1)
    other, _ = trained(replace(job, planned=wrong), tiny_spec)
    assert (other - without).abs().max() > 1e-3, "what the plan keeps is never read"


@pytest.mark.parametrize(
    ("changes", "augmentation", "why"),
    [
        ({"frozen_cache_views": 1}, {"horizontal_flip": 0.5}, "images are augmented"),
        ({"precision": "bf16"}, {}, "computed in fp32"),
    ],
)
def test_not_used_where_they_would_not_be_exact(
    changes: dict[str, Any],
    augmentation: dict[str, Any],
    why: str,
    job: Job,
    kept: FrozenFeatures,
    tiny_spec: BackboneSpec,
) -> None:
    mixed = job.recipe.augmentation.model_copy(update=augmentation)
    job = replace(job, recipe=job.recipe.model_copy(update=changes | {"augmentation": mixed}))
    without, _ = trained(job, tiny_spec)
    with_plan, note = trained(replace(job, planned=kept), tiny_spec)
    assert why in note
    torch.testing.assert_close(with_plan, without, rtol=0, atol=0)
