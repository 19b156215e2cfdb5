"""The known backbones, checked against timm; licences; the order they are tried in."""

import pytest

from vitforge.config import SelectionConfig, parse
from vitforge.errors import ConfigError
from vitforge.selection.licence import forbidden_use
from vitforge.selection.prior import prior_order
from vitforge.selection.zoo import ZooEntry, find_entry, zoo


def entry(name: str, family: str, parameters: int, top1: float | None) -> ZooEntry:
    return ZooEntry(
        backbone=name, family=family, parameters=parameters, gflops=1.0, image_size=224,
        pretraining="", licence="mit", top1=top1,
    )  # fmt: skip


def test_timm_says_the_same() -> None:
    import timm

    for one in zoo():
        name = one.backbone.removeprefix("timm/")
        config = timm.models.get_pretrained_cfg(name)
        assert config is not None and config.hf_hub_id == one.backbone
        assert config.license == one.licence and config.input_size[-1] == one.image_size
        # Published accuracy is a classifier's; weights without one have none to publish.
        assert (one.top1 is None) == (config.num_classes == 0), one.backbone


@pytest.mark.parametrize(
    "backbone",
    ["timm/vit_small_patch16_224.augreg_in21k_ft_in1k", "timm/swin_tiny_patch4_window7_224.ms_in1k",
     "timm/convnext_tiny.fb_in1k", "timm/vit_small_patch16_dinov3.lvd1689m"],
)  # fmt: skip
def test_sizes_are_those_of_the_built_model(backbone: str) -> None:
    from vitforge.backbones import build, resolve
    from vitforge.planning.flops import count_forward_flops

    one = find_entry(backbone)
    assert one is not None
    spec = resolve(backbone, pretrained=False)
    made = []
    flops = count_forward_flops(lambda: made.append(build(spec, 1000)) or made[-1], one.image_size)
    assert made[0].parameter_count == one.parameters
    assert flops / 1e9 == pytest.approx(one.gflops, abs=0.006)


def test_published_sizes() -> None:
    """DeiT's paper: 5.7, 22 and 86 million; 1.3, 4.6 and 17.6 billion multiply-adds."""
    for name, millions, billions in (("tiny", 5.7, 1.3), ("small", 22, 4.6), ("base", 86.6, 17.6)):
        one = find_entry(f"timm/deit_{name}_patch16_224.fb_in1k")
        assert one is not None
        assert one.parameters / 1e6 == pytest.approx(millions, rel=0.01)
        assert one.gflops / 2 == pytest.approx(billions, rel=0.05)


def test_every_family_of_the_zoo_is_there_once_named() -> None:
    families = {one.family for one in zoo()}
    assert families == {
        "ViT", "DeiT", "DeiT III", "Swin", "Swin v2", "BEiT", "CaiT", "EVA-02", "DINOv2",
        "DINOv3", "SigLIP", "ConvNeXt",
    }  # fmt: skip
    assert len({one.backbone for one in zoo()}) == len(zoo())
    assert find_entry("timm/nothing") is None


def test_licences_that_forbid_are_refused() -> None:
    assert forbidden_use("apache-2.0", "commercial") == "" == forbidden_use("", "commercial")
    assert "forbids" in forbidden_use("cc-by-nc-4.0", "commercial")
    assert "terms of its own" in forbidden_use("dinov3-license", "commercial")
    assert forbidden_use("cc-by-nc-4.0", "research") == ""
    refused = {one.family for one in zoo() if forbidden_use(one.licence, "commercial")}
    assert refused == {"DINOv3", "ConvNeXt"}


def test_order_by_hand() -> None:
    small = entry("small", "a", 10, 0.80)
    large = entry("large", "a", 30, 0.85)
    blind = entry("blind", "b", 20, None)
    # Means of ranks: small (1/3 + 1/2) / 2, large 1, blind 2/3; then the families take turns.
    assert [e.backbone for e in prior_order([small, blind, large])] == ["large", "blind", "small"]


def test_the_first_five_are_of_five_families() -> None:
    assert len({one.family for one in prior_order(zoo())[:5]}) == 5


@pytest.mark.parametrize("given", ["zoo", ["zoo"], ["zoo", {"backbone": "timm/x"}]])
def test_the_zoo_in_the_config(given: object) -> None:
    config = SelectionConfig.model_validate({"candidates": given})
    assert config.zoo and all(one.backbone == "timm/x" for one in config.candidates)
    assert SelectionConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("given", ["zo", 3, ["zoos"]])
def test_what_is_no_candidate_is_refused(given: object) -> None:
    with pytest.raises(ConfigError, match="candidates"):
        parse(SelectionConfig, {"candidates": given})
    with pytest.raises(ConfigError, match="use"):
        parse(SelectionConfig, {"use": "fun"})
