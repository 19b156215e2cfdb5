"""Training from stored activations equals the plain loop; every kind of backbone is cut rightly."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import FinetuningConfig, Strategy
from vitforge.errors import VitforgeError
from vitforge.training import cache, prefix_choice
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job
from vitforge.training.prefix import SplitAtBlock, SplitAtHead, split_frozen
from vitforge.training.prefix_cost import count_views, estimate_cost
from vitforge.training.strategies import apply_strategy

TIMM_VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 4, "num_heads": 2}
TIMM_SWIN = {"img_size": 64, "embed_dim": 16, "depths": (1, 1, 2, 1), "num_heads": (1, 2, 2, 4)}
HF_VIT = {"image_size": 32, "patch_size": 8, "hidden_size": 32, "num_hidden_layers": 4}
HF_VIT |= {"num_attention_heads": 2, "intermediate_size": 64}
HF_SWIN = {"image_size": 64, "embed_dim": 16, "depths": [1, 1, 2, 1], "num_heads": [1, 2, 2, 4]}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "timm vit_tiny_patch16_224": ("timm", TIMM_VIT),
    "timm deit_tiny_distilled_patch16_224": ("timm", TIMM_VIT),
    "timm deit3_small_patch16_224": ("timm", TIMM_VIT),
    "timm beit_base_patch16_224": ("timm", TIMM_VIT),
    "timm swin_tiny_patch4_window7_224": ("timm", TIMM_SWIN | {"window_size": 2}),
    "timm eva02_tiny_patch14_224": (
        "timm",
        TIMM_VIT | {"img_size": 28, "patch_size": 7, "embed_dim": 48},
    ),
    "timm vit_small_patch14_reg4_dinov2": ("timm", TIMM_VIT | {"img_size": 28, "patch_size": 7}),
    "timm vit_base_patch16_siglip_224": ("timm", TIMM_VIT),
    "transformers vit": ("transformers", HF_VIT),
    "transformers beit": ("transformers", HF_VIT),
    "transformers dinov2": ("transformers", HF_VIT | {"image_size": 28, "patch_size": 7}),
    "transformers swin": ("transformers", HF_SWIN | {"window_size": 2}),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_kind_of_backbone_is_cut(name: str) -> None:
    library, args = ARCHITECTURES[name]
    torch.manual_seed(0)
    spec = BackboneSpec(
        library=library, name=name.split()[1], args=args, pretrained=False, label="small"
    )
    backbone = build(spec, 5)
    images = torch.randn(3, 3, backbone.image_size, backbone.image_size)
    expected = backbone.eval()(images)
    for strategy, kind in (("head", SplitAtHead), ("partial", SplitAtBlock)):
        apply_strategy(backbone, strategy, FinetuningConfig(frozen_blocks=2))
        split = split_frozen(backbone)
        assert isinstance(split, kind), strategy
        logits = split.eval()(split.capture(images))
        torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
        logits.sum().backward()
        trained = [p for p in backbone.parameters() if p.requires_grad]
        assert sum(p.grad is not None for p in trained) >= 0.9 * len(trained)
        backbone.zero_grad()


def job_of(
    train: ImageSet,
    val: ImageSet,
    how: Preprocessing,
    recipe: FinetuningConfig,
    strategy: Strategy,
    **changes: Any,
) -> Job:
    job = Job(train, val, 4, how, recipe, strategy, epochs=4, seed=3)
    return replace(job, recipe=recipe.model_copy(update=changes))


@pytest.mark.parametrize("strategy", ["head", "partial"])
def test_equals_the_plain_loop(
    strategy: Strategy,
    train: ImageSet,
    val: ImageSet,
    how: Preprocessing,
    recipe: FinetuningConfig,
    tiny_spec: BackboneSpec,
) -> None:
    """Same seed, no augmentation, stochastic depth on: weights within 1e-5 after 16 steps."""
    weights, scores = [], []
    for mode in ("off", "on"):
        torch.manual_seed(0)
        backbone = build(tiny_spec, 4)
        fitted = fit(backbone, job_of(train, val, how, recipe, strategy, frozen_cache=mode))
        weights.append(torch.cat([p.detach().flatten() for p in backbone.parameters()]))
        scores.append([(r.train_loss, r.val_top1) for r in fitted.records])
        assert ("runs once" in fitted.note) == (mode == "on")
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.tensor(scores[0]), torch.tensor(scores[1]), rtol=0, atol=1e-5)


def test_a_view_an_epoch_equals_the_plain_loop_with_augmentation(
    train: ImageSet,
    val: ImageSet,
    how: Preprocessing,
    recipe: FinetuningConfig,
    tiny_spec: BackboneSpec,
) -> None:
    random = {"randaugment_ops": 2, "horizontal_flip": 0.5, "min_crop": 0.5, "erasing": 0.25}
    augmentation = recipe.augmentation.model_copy(update=random)
    losses = {}
    for name, changes in {
        "plain": {"frozen_cache": "off"},
        "all": {"frozen_cache": "on", "frozen_cache_views": 4},
        "one": {"frozen_cache": "on", "frozen_cache_views": 1},
    }.items():
        torch.manual_seed(0)
        job = job_of(train, val, how, recipe, "partial", augmentation=augmentation, **changes)
        losses[name] = torch.tensor([r.train_loss for r in fit(build(tiny_spec, 4), job).records])
    torch.testing.assert_close(losses["plain"], losses["all"], rtol=0, atol=1e-5)
    assert (losses["plain"][1:] - losses["one"][1:]).abs().max() > 1e-3


def test_the_size_is_said_and_bounded(
    train: ImageSet,
    val: ImageSet,
    how: Preprocessing,
    recipe: FinetuningConfig,
    tiny_spec: BackboneSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """64 + 32 images of 5 tokens of 32 floats; what is said is what is stored."""
    sizes = []
    opened = cache.open_cache
    monkeypatch.setattr(
        "vitforge.training.prefix_feed.open_cache",
        lambda *a: sizes.append(opened(*a).nbytes) or opened(*a),
    )
    note = fit(
        build(tiny_spec, 4), job_of(train, val, how, recipe, "partial", frozen_cache="on")
    ).note
    assert sizes == [96 * 5 * 32 * 4]
    assert "1 version of 64 images" in note
    small = job_of(train, val, how, recipe, "partial", frozen_cache="on", frozen_cache_gib=1e-6)
    with pytest.raises(VitforgeError, match="there is room for"):
        fit(build(tiny_spec, 4), small)
    recipe = small.recipe.model_copy(update={"frozen_cache": "auto"})
    assert "there is room for" in fit(build(tiny_spec, 4), replace(small, recipe=recipe)).note


def test_too_little_disk_is_refused(
    train: ImageSet,
    val: ImageSet,
    how: Preprocessing,
    recipe: FinetuningConfig,
    tiny_spec: BackboneSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefix_choice, "IN_MEMORY", 0)
    monkeypatch.setattr(prefix_choice, "free_bytes", lambda: 1000)
    with pytest.raises(VitforgeError, match="there is room for"):
        fit(build(tiny_spec, 4), job_of(train, val, how, recipe, "head", frozen_cache="on"))


def test_what_stands_in_the_way_is_said(
    train: ImageSet,
    val: ImageSet,
    how: Preprocessing,
    recipe: FinetuningConfig,
    tiny_spec: BackboneSpec,
) -> None:
    job = job_of(train, val, how, recipe, "head", frozen_cache="on", smallest_size=8)
    with pytest.raises(VitforgeError, match="smallest_size"):
        fit(build(tiny_spec, 4), job)


def test_the_cost_by_hand(
    train: ImageSet, val: ImageSet, how: Preprocessing, recipe: FinetuningConfig
) -> None:
    """64 images, 32 held out, 4 epochs, 1 s a forward pass, half of it frozen, nothing to read."""
    job = job_of(train, val, how, recipe, "partial")
    cost = estimate_cost(job, 5e10, 0.5, 0, "cpu", file=False)
    assert cost.views == 1 and cost.size == 0
    assert cost.plain == pytest.approx(256 * (0.5 + 1.5) + 128 * 1.0)
    assert cost.cached == pytest.approx(256 * 1.5 + 128 * 0.5 + 96 * 0.5)
    assert cost.pays and cost.gain == pytest.approx(640 / 496)
    slow = estimate_cost(job, 5e10, 0.5, 10**9, "cpu", file=True)
    assert not slow.pays and slow.size == 96 * 10**9


def test_views(
    train: ImageSet, val: ImageSet, how: Preprocessing, recipe: FinetuningConfig
) -> None:
    flip = recipe.augmentation.model_copy(update={"horizontal_flip": 0.5})

    def views(**changes: Any) -> int:
        return count_views(job_of(train, val, how, recipe, "head", **changes))

    assert views(frozen_cache_views=3) == 1
    assert views(frozen_cache_views=3, augmentation=flip) == 3
    assert views(frozen_cache_views=9, augmentation=flip) == 4
