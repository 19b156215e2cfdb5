"""What each strategy touches, and when; adapters merged; the pull of the pretrained weights."""

import dataclasses
from typing import Any

import pytest
import torch

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import Backbone, build
from vitforge.config import FinetuningConfig, PipelineConfig, parse
from vitforge.errors import ConfigError
from vitforge.training.engine import Engine
from vitforge.training.feed import Batch
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job
from vitforge.training.observers import Observer
from vitforge.training.start_point import StartPoint
from vitforge.training.strategies import apply_strategy, finish_strategy
from vitforge.training.validation import validate

CPU = torch.device("cpu")


def fresh(spec: BackboneSpec) -> Backbone:
    torch.manual_seed(0)
    return build(spec, 4)


class Moved(Observer):
    """Notes which weights each step changed."""

    def __init__(self, backbone: Backbone) -> None:
        self.by_step: list[set[str]] = []
        self._model = backbone.model
        self._before: dict[str, torch.Tensor] = {}

    def on_start(self, engine: Engine) -> None:
        self._before = {k: v.clone() for k, v in self._model.state_dict().items()}

    def on_step(self, engine: Engine, batch: Batch) -> None:
        now = self._model.state_dict()
        self.by_step.append({k for k, v in now.items() if not torch.equal(v, self._before[k])})
        self._before = {k: v.clone() for k, v in now.items()}


@pytest.fixture
def make_job(train: ImageSet, val: ImageSet, how: Preprocessing, recipe: FinetuningConfig) -> Any:
    def make(strategy: str, epochs: int, **changes: Any) -> Job:
        changed = recipe.model_copy(update={"frozen_blocks": 0, "drop_path": 0.0, **changes})
        return Job(train, val, 4, how, changed, strategy, epochs, seed=0)  # type: ignore[arg-type]

    return make


def test_lp_ft_trains_the_head_alone_first(make_job: Any, tiny_spec: BackboneSpec) -> None:
    backbone = fresh(tiny_spec)
    moved = Moved(backbone)
    job = make_job("lp_ft", 5, probe_epochs=2, probe_learning_rate=0.05)
    fit(backbone, job, observers=[moved])
    head = {"head.weight", "head.bias"}
    assert all(names == head for names in moved.by_step[:8])
    assert all(names > head and "patch_embed.proj.weight" in names for names in moved.by_step[8:])
    # two schedules, one after the other
    assert job.rate(0) == 0.05 and job.rate(7) == pytest.approx(1e-6)
    assert job.rate(8) == pytest.approx(3e-3 / 4) and job.rate(11) == 3e-3
    assert job.rate(19) == pytest.approx(1e-6)


def test_gradual_frees_block_after_block(make_job: Any, tiny_spec: BackboneSpec) -> None:
    backbone = fresh(tiny_spec)
    moved = Moved(backbone)
    fit(backbone, make_job("gradual", 4), observers=[moved])

    def parts(step: int) -> set[str]:
        return {name.split(".attn")[0].split(".mlp")[0] for name in moved.by_step[step]}

    assert moved.by_step[3] == {"head.weight", "head.bias"}
    assert {"blocks.1", "norm.weight"} <= parts(4) and "blocks.0" not in parts(7)
    assert "blocks.0" in parts(8) and "pos_embed" not in parts(11)
    assert "pos_embed" in parts(12)


@pytest.mark.parametrize(("strategy", "epochs"), [("lp_ft", 25), ("gradual", 25)])
def test_staged_strategies_overfit_64_images(
    make_job: Any,
    tiny_spec: BackboneSpec,
    train: ImageSet,
    how: Preprocessing,
    strategy: str,
    epochs: int,
) -> None:
    backbone = fresh(tiny_spec)
    job = make_job(strategy, epochs, probe_epochs=2, label_smoothing=0.0)
    fit(backbone, dataclasses.replace(job, val=None))
    assert validate(backbone, train, how, device=CPU).top1 == 1.0


@pytest.mark.parametrize("dora", [False, True])
def test_merged_adapters_answer_as_before(
    tiny_spec: BackboneSpec, recipe: FinetuningConfig, dora: bool
) -> None:
    backbone = fresh(tiny_spec).eval()
    x = torch.randn(3, 3, 16, 16)
    plain = backbone(x)
    apply_strategy(backbone, "lora", recipe.model_copy(update={"lora_dora": dora}))
    backbone.eval()
    torch.testing.assert_close(backbone(x), plain)  # B starts at 0
    for name, weight in backbone.named_parameters():
        if "lora_" in name and weight.requires_grad:
            torch.nn.init.normal_(weight, mean=1.0 if "magnitude" in name else 0.0, std=0.1)
    adapted = backbone(x)
    assert not torch.allclose(adapted, plain, atol=1e-2)
    names = list(fresh(tiny_spec).model.state_dict())
    finish_strategy(backbone, "lora")
    torch.testing.assert_close(backbone(x), adapted, atol=1e-5, rtol=1e-4)
    assert list(backbone.model.state_dict()) == names


def test_l2_sp_gradient_is_autograds(tiny_spec: BackboneSpec) -> None:
    backbone = fresh(tiny_spec)
    start = {id(w): w.detach().clone() for w in backbone.parameters()}
    pull = StartPoint(backbone, 0.3)
    with torch.no_grad():
        for weight in backbone.parameters():
            weight.add_(torch.randn_like(weight))
    head = {id(w) for w in backbone.head.parameters()}
    held = [w for w in backbone.parameters() if id(w) not in head]
    loss = 0.3 * sum((w - start[id(w)]).square().sum() for w in held)
    assert pull.distance() * 0.3 == pytest.approx(loss.item(), rel=1e-5)  # type: ignore[union-attr]
    want = torch.autograd.grad(loss, held)  # type: ignore[arg-type]
    for weight in backbone.parameters():
        weight.grad = torch.zeros_like(weight)
    pull.add_gradient()
    for weight, gradient in zip(held, want, strict=True):
        torch.testing.assert_close(weight.grad, gradient)
    assert all(not w.grad.any() for w in backbone.head.parameters())  # type: ignore[union-attr]


def test_l2_sp_keeps_weights_near_where_they_began(make_job: Any, tiny_spec: BackboneSpec) -> None:
    def walked(strength: float) -> float:
        backbone = fresh(tiny_spec)
        before = {k: v.clone() for k, v in backbone.model.state_dict().items() if "head" not in k}
        fit(backbone, make_job("full", 4, l2_sp=strength, weight_decay=0.0, clip_norm=0.0))
        after = backbone.model.state_dict()
        return sum((after[k] - v).square().sum().item() for k, v in before.items())

    assert walked(1.0) < 0.4 * walked(0.0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"strategy": "lp_ft"}, "probe_epochs of 1 or more"),
        ({"strategy": "lp_ft", "finetuning": {"probe_epochs": 6}}, "leave nothing"),
        ({"finetuning": {"probe_epochs": 2}}, "is for strategy lp_ft"),
        ({"finetuning": {"frozen_blocks": 2}}, "no effect with strategy full"),
        ({"finetuning": {"lora_dora": True}}, "needs strategy lora"),
        ({"strategy": "lora", "finetuning": {"l2_sp": 0.1}}, "finetuning.l2_sp=0"),
        ({"strategy": "lora", "finetuning": {"layer_decay": 0.7}}, "finetuning.layer_decay=1"),
        ({"strategy": "head", "finetuning": {"gradient_checkpointing": True}}, "saves nothing"),
        (
            {"finetuning": {"balanced_sampling": True, "class_weights": "balanced"}},
            "take one",
        ),
        ({"finetuning": {"repeated_augmentation": 3}}, "must divide"),
        ({"finetuning": {"micro_batch": 65}}, "above batch_size"),
        ({"finetuning": {"compile": True, "patch_dropout": 0.5}}, "one input size"),
    ],
)
def test_contradictions_are_told(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse(PipelineConfig, settings)
