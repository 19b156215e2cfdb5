"""Formulas by hand; fake steps against the CPU allocator's own account."""

from dataclasses import replace

import pytest
import timm
import torch
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from vitforge.errors import ConfigError
from vitforge.planning.flops import count_forward_flops
from vitforge.planning.geometry import Geometry, named_geometry
from vitforge.planning.memory import document_memory, estimate_memory
from vitforge.planning.memory_measured import (
    TrainingStep,
    largest_batch,
    measure_peak,
    switch_checkpointing_on,
    switch_fused_attention_off,
)

SIZES = {"img_size": 64, "patch_size": 8, "embed_dim": 96, "depth": 4, "num_heads": 3}


def vit(**changes):
    return timm.create_model("vit_tiny_patch16_224", num_classes=10, **(SIZES | changes))


def head_only():
    model = vit()
    model.requires_grad_(False)
    model.head.requires_grad_(True)
    return model


def half_frozen():
    model = vit()
    for part in (model.patch_embed, *model.blocks[:2]):
        part.requires_grad_(False)
    model.pos_embed.requires_grad_(False)
    model.cls_token.requires_grad_(False)
    return model


def swin():
    return timm.create_model(
        "swin_tiny_patch4_window7_224",
        num_classes=10,
        img_size=64,
        window_size=4,
        embed_dim=48,
        depths=[2, 2],
        num_heads=[2, 4],
    )


def convnext():
    return timm.create_model("convnext_atto", num_classes=10)


STEP = TrainingStep(16, 64)


def allocator_peak(build, step: TrainingStep) -> int:
    """Peak of two real steps, from torch's profiler: what the allocator gave and took."""
    torch.manual_seed(0)
    model = build().train()
    if step.checkpointing:
        switch_checkpointing_on(model)
    if not step.fused_attention:
        switch_fused_attention_off(model)
    fixed = sum(t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers()))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad])
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        for _ in range(2):
            for _ in range(min(2, step.accumulation)):
                images = torch.randn(step.batch, 3, step.image_size, step.image_size)
                labels = torch.zeros(step.batch, dtype=torch.long)
                enabled = step.precision == "bf16"
                with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
                    logits = model(images)
                loss = F.cross_entropy(logits.float(), labels)
                loss.backward()
                del logits, loss
            optimizer.step()
            optimizer.zero_grad()
    now = peak = 0
    events = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    for event in sorted(events, key=lambda e: e.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return fixed + peak


CASES = {
    "full": (vit, STEP),
    "large batch": (vit, replace(STEP, batch=48)),
    "checkpointing": (vit, replace(STEP, checkpointing=True)),
    "plain attention": (vit, replace(STEP, fused_attention=False)),
    "accumulation": (vit, replace(STEP, accumulation=2)),
    "bf16": (vit, replace(STEP, precision="bf16")),
    "head only": (head_only, STEP),
    "half frozen": (half_frozen, STEP),
    "swin": (swin, STEP),
    "convnext": (convnext, STEP),
}


@pytest.mark.parametrize("case", CASES)
def test_within_three_percent_of_the_allocator(case: str) -> None:
    build, step = CASES[case]
    real = allocator_peak(build, step)
    assert measure_peak(build, step).peak == pytest.approx(real, rel=0.03)


def test_the_parts_by_hand() -> None:
    found = measure_peak(vit, STEP)
    count = sum(weight.numel() for weight in vit().parameters())
    assert found.weights == 4 * count
    assert found.gradients == 4 * count
    assert found.optimizer == 8 * count
    assert found.peak == found.weights + found.optimizer + found.activations


def test_what_saves_memory_saves_it() -> None:
    full = measure_peak(vit, STEP).peak
    for build, step in (CASES["checkpointing"], CASES["bf16"], CASES["half frozen"]):
        assert measure_peak(build, step).peak < 0.9 * full
    assert measure_peak(*CASES["plain attention"]).peak > full
    assert measure_peak(*CASES["accumulation"]).peak > full


@pytest.mark.parametrize("limit", [8, 20, 60])
def test_the_largest_batch_fits_and_one_more_does_not(limit: int) -> None:
    bytes_ = limit * 2**20
    best, at = largest_batch(vit, STEP, bytes_)
    assert at is not None
    assert at == replace(measure_peak(vit, replace(STEP, batch=best)), seconds=at.seconds)
    assert at.peak <= bytes_
    assert measure_peak(vit, replace(STEP, batch=best + 1)).peak > bytes_


def test_nothing_fits() -> None:
    assert largest_batch(vit, STEP, 2**20) == (0, None)


@pytest.mark.parametrize(
    ("build", "changes", "cause"),
    [
        (vit, {"batch": 0}, "batch of 0"),
        (vit, {"accumulation": 0}, "accumulation over 0"),
        (vit, {"image_size": 63}, "cannot take 63 pixels"),
        (lambda: vit().requires_grad_(False), {}, "no weight"),
        (lambda: torch.nn.Linear(2, 2), {"checkpointing": True}, "no gradient checkpointing"),
    ],
)
def test_refused(build, changes, cause: str) -> None:
    with pytest.raises(ConfigError, match=r"type|take|leave") as caught:
        measure_peak(build, replace(STEP, **changes))
    assert cause in caught.value.cause


def test_the_documents_vit_base() -> None:
    """86 M parameters: 344 MB, 688 MB of AdamW; 32 · 197 · 768 · 12 numbers of activations."""
    found = document_memory(named_geometry("base"), 32)
    assert found.weights / 1e6 == pytest.approx(344, rel=0.01)
    assert found.optimizer / 1e6 == pytest.approx(688, rel=0.01)
    assert found.activations == 4 * 32 * 197 * 768 * 12
    assert found.total == found.weights * 4 + found.activations


GEOMETRY = named_geometry("small")


def small(frozen: int = 0):
    model = timm.create_model("vit_small_patch16_224")
    if frozen:
        for part in (model.patch_embed, *model.blocks[:frozen]):
            part.requires_grad_(False)
        model.pos_embed.requires_grad_(False)
        model.cls_token.requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("changes", "frozen"),
    [
        ({}, 0),
        ({"precision": "bf16"}, 0),
        ({"checkpointing": True}, 0),
        ({"fused_attention": False}, 0),
        ({}, 6),
    ],
)
def test_the_formula_is_near_the_measured(changes, frozen: int) -> None:
    step = replace(TrainingStep(32, 224), **changes)
    strategy = {"strategy": "partial", "frozen_blocks": frozen} if frozen else {}
    guess = estimate_memory(GEOMETRY, 32, **changes, **strategy)
    assert guess.peak == pytest.approx(measure_peak(lambda: small(frozen), step).peak, rel=0.05)


def test_formulas_refuse() -> None:
    with pytest.raises(ConfigError, match="batch of 0"):
        document_memory(GEOMETRY, 0)
    with pytest.raises(ConfigError, match="from 0 to 12"):
        estimate_memory(GEOMETRY, 1, strategy="partial", frozen_blocks=13)


def test_flops() -> None:
    geometry = Geometry(96, 4, 3, 64, 8, classes=10)
    assert count_forward_flops(vit, 64) == geometry.forward_flops
    # DeiT's table: 17.6 G multiply-adds of ViT-B/16.
    assert named_geometry("base").forward_flops / 2e9 == pytest.approx(17.6, rel=0.01)
    assert count_forward_flops(swin, 64) > 0
