"""Norms, ratios and entropies against what can be computed by hand; planted faults and alarms."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitforge.artifacts import BackboneSpec
from vitforge.backbones import Backbone, build
from vitforge.planning.attention import analyse_attention
from vitforge.training.alarms import Alarms
from vitforge.training.attention_flow import attention_spread
from vitforge.training.gradient_flow import FlowSample, GradientFlow
from vitforge.training.images import ImageSet

Plant = Callable[[Backbone], None]


def deep(spec: BackboneSpec, depth: int = 6) -> Backbone:
    torch.manual_seed(0)
    return build(spec.model_copy(update={"args": {**spec.args, "depth": depth}}), 4)


def inputs(train: ImageSet) -> Tensor:
    return (train.pixels_NCHW.float() / 255 - 0.5) / 0.25


def learn(backbone: Backbone, train: ImageSet, rate: float, steps: int = 40) -> GradientFlow:
    """A plain loop with warm-up over the first ten steps."""
    optimizer = torch.optim.AdamW(backbone.parameters(), lr=rate)
    flow, images = GradientFlow(backbone, every=10), inputs(train)
    backbone.train()
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = rate * min(1, step / 10)
        index = torch.randperm(len(images))[:16]
        loss = F.cross_entropy(backbone(images[index]), train.labels_N[index])
        optimizer.zero_grad()
        loss.backward()
        if flow.due(step):
            flow.before_update()
        torch.nn.utils.clip_grad_norm_(backbone.parameters(), 1.0)
        optimizer.step()
        if flow.due(step):
            flow.after_update(step, loss.item(), images[index], backbone)
    return flow


def nothing(_: Backbone) -> None:
    pass


CONSTANT = torch.linspace(-1, 1, 32)


def without_residual(backbone: Backbone) -> None:
    """Each block passes a trace of its input on, beside a constant: its norm sees the constant."""
    for block in backbone.blocks:
        whole = block.forward
        block.forward = lambda x, whole=whole: CONSTANT + 0.03 * (whole(x) - x)


def one_token_for_all(backbone: Backbone) -> None:
    """Every query is one large constant and heads share their keys: one token wins in all."""
    with torch.no_grad():
        for attention in backbone.attention_modules():
            qkv = attention.qkv
            assert isinstance(qkv, nn.Linear)
            qkv.weight[:32] = 0
            qkv.bias[:32] = (torch.randn(16) * 100).repeat(2)
            qkv.weight[32:64] = qkv.weight[32:48].repeat(2, 1)


@pytest.mark.parametrize(
    ("plant", "rate", "wanted"),
    [
        (nothing, 1e-3, []),
        (nothing, 1e-2, []),
        (nothing, 1.0, ["exploding"]),
        (without_residual, 1e-3, ["vanishing"]),
        (one_token_for_all, 1e-3, ["collapse"]),
    ],
)
def test_each_fault_sets_off_its_alarm_and_no_other(
    tiny_spec: BackboneSpec, train: ImageSet, plant: Plant, rate: float, wanted: list[str]
) -> None:
    backbone = deep(tiny_spec)
    plant(backbone)
    alarms = Alarms()
    for sample in learn(backbone, train, rate).samples:
        alarms.hear(sample)
    assert [alarm.kind for alarm in alarms.raised] == wanted


def test_a_frozen_first_half_is_no_vanishing_gradient(
    tiny_spec: BackboneSpec, train: ImageSet
) -> None:
    backbone = deep(tiny_spec, 4)
    for block in backbone.blocks[:2]:
        block.requires_grad_(False)
    sample = learn(backbone, train, 1e-3, steps=1).samples[0]
    assert sample.attention_norms[:2] == sample.update_ratios[:2] == (None, None)
    assert len(sample.block_norms) == 2 and Alarms().hear(sample) == []


def test_norms_and_ratios_are_those_of_a_plain_computation(
    tiny_spec: BackboneSpec, train: ImageSet
) -> None:
    backbone, images = deep(tiny_spec, 2), inputs(train)[:8]
    flow = GradientFlow(backbone, every=50)
    F.cross_entropy(backbone(images), train.labels_N[:8]).backward()
    flow.before_update()
    old = {name: w.detach().clone() for name, w in backbone.model.named_parameters()}
    torch.optim.SGD(backbone.parameters(), lr=0.1).step()
    sample = flow.after_update(1, 2.0, images, backbone)
    named = dict(backbone.model.named_parameters())

    def norm(*names: str) -> float:
        return math.sqrt(sum(float(named[n].grad.square().sum()) for n in names))

    attention = [f"blocks.1.attn.{n}.weight" for n in ("qkv", "proj")]
    mlp = [f"blocks.1.mlp.{n}.weight" for n in ("fc1", "fc2")]
    assert sample.attention_norms[1] == pytest.approx(norm(*attention), rel=1e-5)
    assert sample.mlp_norms[1] == pytest.approx(norm(*mlp), rel=1e-5)
    assert sample.norm == pytest.approx(norm(*named), rel=1e-5)
    moved = [(named[n].detach() - old[n])[::8] for n in (*attention, *mlp)]
    was = [old[n][::8] for n in (*attention, *mlp)]
    wanted = math.sqrt(sum(float(m.square().sum()) for m in moved)) / math.sqrt(
        sum(float(w.square().sum()) for w in was)
    )
    assert sample.update_ratios[1] == pytest.approx(wanted, rel=1e-5)


def test_spread_is_that_of_the_planner(tiny_spec: BackboneSpec, train: ImageSet) -> None:
    """The same attention, computed from the module's own q and k, judged by `analyse_attention`."""
    backbone, images = deep(tiny_spec, 2).eval(), inputs(train)[:1]
    seen: list[Tensor] = []
    attention = backbone.attention_modules()[1]
    attention.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    spread = attention_spread(backbone, images)[1]
    q, k = attention.qkv(seen[0]).detach().reshape(5, 3, 2, 16)[:, :2].permute(1, 2, 0, 3)
    wanted = analyse_attention((q @ k.transpose(1, 2) / 4).softmax(-1).double().numpy())
    assert spread.entropy == pytest.approx(wanted.entropy, abs=1e-5)
    assert spread.share == pytest.approx(wanted.normalised_entropy, abs=1e-5)
    assert spread.diversity == pytest.approx(wanted.normalised_diversity, abs=1e-5)
    assert spread.keys == 5


@pytest.mark.parametrize("every", [1, 7, 50])
def test_when_it_looks(tiny_spec: BackboneSpec, every: int) -> None:
    flow = GradientFlow(deep(tiny_spec, 1), every)
    due = [step for step in range(1, 111) if flow.due(step)]
    early = [2**k for k in range(7) if 2**k < every]
    assert due == sorted({*early, *range(every, 111, every)})


def test_one_odd_batch_of_a_net_that_has_learned_all_is_no_explosion() -> None:
    alarms = Alarms()
    norms = [5.0, 1.0, 1e-3, 1e-3, 1e-3, 1e-3, 2.0, 2.0]
    losses = [2.0, 0.5, 1e-3, 1e-3, 1e-3, 1e-3, 1.0, 1.0]
    for step, (norm, loss) in enumerate(zip(norms, losses, strict=True), 1):
        assert not alarms.hear(FlowSample(step, loss, norm, (), (), (), ()))
    for step in (9, 10):
        alarms.hear(FlowSample(step, 50.0, 9e3, (), (), (), ()))
    assert [alarm.step for alarm in alarms.raised] == [10]
    assert "learning_rate" in str(alarms.raised[0])
