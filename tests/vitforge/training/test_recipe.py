"""Memory, sampling, sizes, dropped patches and teachers: each against what it must equal."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vitforge.artifacts import BackboneSpec, ModelConfig, Preprocessing
from vitforge.backbones import Backbone, build
from vitforge.backbones.checkpoint import save_checkpoint
from vitforge.config import DistillationConfig, FinetuningConfig
from vitforge.errors import VitforgeError
from vitforge.training.attention_dropout import attention_dropout
from vitforge.training.compiled import Compiled
from vitforge.training.distillation import Teacher, distillation_sum
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Fitted, Job
from vitforge.training.normalise import normalise, to_unit
from vitforge.training.order import epoch_order
from vitforge.training.patch_dropout import leave_out, patch_dropout
from vitforge.training.recompute import recomputed
from vitforge.training.sizes import size_of_epoch
from vitforge.training.stochastic_depth import stochastic_depth


def fresh(spec: BackboneSpec, seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    return build(spec, 4)


@pytest.fixture
def make_job(train: ImageSet, val: ImageSet, how: Preprocessing, recipe: FinetuningConfig) -> Any:
    def make(epochs: int = 2, **changes: Any) -> Job:
        update = {"frozen_blocks": 0, "drop_path": 0.0, **changes}
        return Job(train, val, 4, how, recipe.model_copy(update=update), "full", epochs, seed=0)

    return make


def trained(spec: BackboneSpec, job: Job) -> tuple[Fitted, list[torch.Tensor]]:
    backbone = fresh(spec)
    fitted = fit(backbone, job)
    named = backbone.named_parameters()  # the key bias has no gradient but rounding's
    return fitted, [p.detach() for name, p in named if not name.endswith("qkv.bias")]


def test_small_parts_add_up_to_the_whole_batch(make_job: Any, tiny_spec: BackboneSpec) -> None:
    _, whole = trained(tiny_spec, make_job())
    fitted, parts = trained(tiny_spec, make_job(micro_batch=5))
    assert fitted.micro_batch == 5
    for mine, theirs in zip(parts, whole, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-3)


def test_memory_that_runs_out_halves_the_parts(
    make_job: Any, tiny_spec: BackboneSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: more than 6 images at once do not fit."""
    _, whole = trained(tiny_spec, make_job())
    backbone = fresh(tiny_spec)
    forward = backbone.model.forward

    def small(images: torch.Tensor) -> torch.Tensor:
        if len(images) > 6 and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return torch.as_tensor(forward(images))

    monkeypatch.setattr(backbone.model, "forward", small)
    fitted = fit(backbone, make_job())
    assert fitted.micro_batch == 4
    named = [p for name, p in backbone.named_parameters() if not name.endswith("qkv.bias")]
    for mine, theirs in zip(named, whole, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-3)


def test_memory_for_not_even_one_image_is_told(
    make_job: Any, tiny_spec: BackboneSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = fresh(tiny_spec)

    def never(_: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return torch.zeros(1, 4)

    tokens = backbone.tokens
    monkeypatch.setattr(type(backbone), "tokens", tokens)
    monkeypatch.setattr(backbone.model, "forward", never)
    with pytest.raises(VitforgeError, match="one image does not fit") as told:
        fit(backbone, make_job())
    assert "gradient_checkpointing" in told.value.mend


def test_recomputed_blocks_give_the_same_gradients(tiny_spec: BackboneSpec) -> None:
    backbone = fresh(tiny_spec).train()
    x = torch.randn(8, 3, 16, 16)

    def gradients() -> list[torch.Tensor]:
        torch.manual_seed(3)
        backbone.zero_grad()
        backbone(x).square().sum().backward()
        return [p.grad.clone() for p in backbone.parameters() if p.grad is not None]

    calls: list[int] = []
    backbone.blocks[0].register_forward_hook(lambda *_: calls.append(1))
    hooked = backbone.blocks[0].mlp  # type: ignore[attr-defined]
    hooked.register_forward_hook(lambda *_: calls.append(2))
    with stochastic_depth(backbone.blocks, 0.5):
        plain = gradients()
        before = calls.count(2)
        with recomputed(backbone.blocks):
            again = gradients()
        assert calls.count(2) - before == 2  # forward, and once more backward
        torch.testing.assert_close(gradients(), plain)
    assert "forward" not in backbone.blocks[0].__dict__
    torch.testing.assert_close(again, plain)


def test_a_compiler_that_fails_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Any:
        def run(*_: Any) -> Any:
            raise RuntimeError("no C compiler")

        return run

    monkeypatch.setattr(torch, "compile", broken)
    model, told = torch.nn.Linear(2, 2), []
    compiled = Compiled(model, told.append)
    x = torch.ones(1, 2)
    assert torch.equal(compiled(x), model(x)) and torch.equal(compiled(x), model(x))
    assert len(told) == 1 and "goes on without" in told[0]
    with pytest.raises(RuntimeError):  # a fault of the model's own is no compiler's
        Compiled(model)(torch.ones(1, 3))


def test_left_out_patches_keep_order_and_class_token() -> None:
    tokens = torch.arange(17.0)[None, :, None].expand(5, 17, 3)
    kept = leave_out(tokens, 0.25)
    assert kept.shape == (5, 13, 3) and kept[:, 0].eq(0).all()
    assert (kept[:, 1:, 0].diff(dim=1) > 0).all()
    assert len({tuple(row) for row in kept[..., 0].tolist()}) > 1  # each image its own


def test_patch_dropout_in_training_alone(tiny_spec: BackboneSpec) -> None:
    backbone, seen = fresh(tiny_spec), []
    backbone.blocks[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    with patch_dropout(backbone, 0.5):
        backbone.train()(torch.zeros(2, 3, 16, 16))
        backbone.eval()(torch.zeros(2, 3, 16, 16))
    assert seen == [3, 5]
    swin = BackboneSpec(
        library="timm",
        name="swin_tiny_patch4_window7_224",
        args={"img_size": 32, "patch_size": 2, "window_size": 4, "embed_dim": 16, "depths": [1, 1],
              "num_heads": [2, 2]},
        pretrained=False,
        label="",
    )  # fmt: skip
    with pytest.raises(VitforgeError, match="every patch in its place"):
        patch_dropout(build(swin, 4), 0.5).__enter__()


@pytest.mark.parametrize("library", ["timm", "transformers"])
def test_attention_dropout_changes_training_alone(tiny_spec: BackboneSpec, library: str) -> None:
    spec = tiny_spec
    if library == "transformers":
        args = {"image_size": 16, "patch_size": 8, "hidden_size": 32, "num_hidden_layers": 2,
                "num_attention_heads": 2, "intermediate_size": 64}  # fmt: skip
        spec = BackboneSpec(
            library="transformers", name="vit", args=args, pretrained=False, label=""
        )
    backbone = fresh(spec)
    x = torch.randn(2, 3, 16, 16)
    plain = backbone.train()(x)
    with attention_dropout(backbone, 0.5):
        assert not torch.allclose(backbone(x), plain)
        torch.testing.assert_close(backbone.eval()(x), plain)
    torch.testing.assert_close(backbone.train()(x), plain)


def test_sizes_grow_to_the_full_one(make_job: Any, how: Preprocessing) -> None:
    job = make_job(epochs=16, smallest_size=96)
    job = Job(job.train, None, 4, how.model_copy(update={"image_size": 224}), job.recipe, "full",
              16, 0)  # fmt: skip
    sizes = [size_of_epoch(job, epoch, 16) for epoch in range(1, 17)]
    assert sizes == sorted(sizes) and sizes[0] == 96 and set(sizes[8:]) == {224}
    assert all(size % 16 == 0 for size in sizes) and len(set(sizes)) == 4


def test_training_goes_through_the_sizes(make_job: Any, tiny_spec: BackboneSpec) -> None:
    backbone, seen = fresh(tiny_spec), set()
    backbone.model.patch_embed.register_forward_pre_hook(  # type: ignore[union-attr]
        lambda module, inputs: seen.add((module.training, inputs[0].shape[-1]))
    )
    fitted = fit(backbone, make_job(epochs=8, smallest_size=8))
    assert seen >= {(True, 8), (True, 16), (False, 16)} and (False, 8) not in seen
    assert fitted.best_top1 > 0.5 and backbone(torch.zeros(1, 3, 16, 16)).shape == (1, 4)


def test_repeated_views_share_a_batch(make_job: Any) -> None:
    job = make_job(repeated_augmentation=2)
    order, views = epoch_order(job, 1)
    assert len(order) == 64 and len(set(order.tolist())) == 32
    for part in np.split(np.stack([order, views]), 4, axis=1):
        assert sorted(part[1].tolist()) == [0] * 8 + [1] * 8
        assert len(set(part[0].tolist())) == 8


def test_balanced_sampling_evens_the_classes(make_job: Any) -> None:
    job = make_job(balanced_sampling=True)
    rare = torch.tensor([0] * 60 + [1] * 4)
    job = Job(ImageSet(job.train.pixels_NCHW, rare, job.train.ids), None, 4, job.how, job.recipe,
              "full", 2, 0)  # fmt: skip
    drawn = np.concatenate([epoch_order(job, epoch)[0] for epoch in range(1, 21)])
    assert rare.numpy()[drawn].mean() == pytest.approx(0.5, abs=0.05)


def test_early_stopping_on_another_metric(make_job: Any, tiny_spec: BackboneSpec) -> None:
    fitted = fit(fresh(tiny_spec), make_job(epochs=6, best_by="loss"))
    losses = [record.val_metrics["loss"] for record in fitted.records]
    assert fitted.metric == "loss" and fitted.best_value == min(losses)
    assert fitted.best_epoch == losses.index(min(losses)) + 1


def test_distillation_by_definition() -> None:
    student, teacher = torch.randn(4, 5), torch.randn(4, 5)
    p, q = (teacher / 2).softmax(1), (student / 2).softmax(1)
    want = 4 * (p * (p.log() - q.log())).sum()
    torch.testing.assert_close(distillation_sum(student, teacher, "soft", 2.0), want)
    hard = F.cross_entropy(student, teacher.argmax(1), reduction="sum")
    torch.testing.assert_close(distillation_sum(student, teacher, "hard", 2.0), hard)


def saved_teacher(folder: Path, spec: BackboneSpec, how: Preprocessing, classes: int) -> Path:
    torch.manual_seed(5)
    backbone = build(spec, classes)
    names = tuple(map(str, range(classes)))
    save_checkpoint(
        folder, backbone, ModelConfig(backbone=backbone.spec, classes=names, image_size=16), how
    )
    return folder


def test_a_student_learns_its_teachers_answers(
    make_job: Any, tiny_spec: BackboneSpec, how: Preprocessing, tmp_path: Path
) -> None:
    """With share 1 the labels do not matter: the student agrees even with a random teacher."""
    folder = saved_teacher(tmp_path, tiny_spec, how, 4)
    config = DistillationConfig(teacher=str(folder), share=1.0, temperature=1.0)
    job = dataclasses.replace(make_job(epochs=25, distillation=config), val=None)
    student = fresh(tiny_spec)
    teacher = Teacher(config, job, student)._model
    images = normalise(to_unit(job.train.pixels_NCHW), how)

    def gap() -> float:
        ours, theirs = student.eval()(images), teacher(images)
        return (ours.softmax(1) - theirs.softmax(1)).abs().mean().item()

    before = gap()
    fit(student, job)
    assert gap() < 0.5 * before


def test_deits_token_learns_from_the_teacher(
    make_job: Any, tiny_spec: BackboneSpec, how: Preprocessing, tmp_path: Path
) -> None:
    folder = saved_teacher(tmp_path, tiny_spec, how, 4)
    spec = tiny_spec.model_copy(update={"name": "deit_tiny_distilled_patch16_224"})
    student = fresh(spec).train()
    config = DistillationConfig(teacher=str(folder), kind="hard", share=0.25)
    teacher = Teacher(config, make_job(), student)
    images, targets = torch.randn(3, 3, 16, 16), torch.eye(4)[:3]

    def loss_of(outputs: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(outputs, wanted, reduction="sum")

    got = teacher.blend(loss_of, images, student(images), targets)
    tokens = student.model.forward_features(images)  # type: ignore[operator]
    by_class, by_token = student.head[0](tokens[:, 0]), student.head[1](tokens[:, 1])  # type: ignore[index]
    decided = teacher._model(images).argmax(1)
    want = 0.75 * loss_of(by_class, targets) + 0.25 * loss_of(by_token, decided)
    torch.testing.assert_close(got, want)


def test_a_teacher_of_other_classes_is_refused(
    make_job: Any, tiny_spec: BackboneSpec, how: Preprocessing, tmp_path: Path
) -> None:
    folder = saved_teacher(tmp_path, tiny_spec, how, 6)
    job = make_job(distillation=DistillationConfig(teacher=str(folder)))
    with pytest.raises(VitforgeError, match="answers 6 classes, the data has 4"):
        fit(fresh(tiny_spec), job)
