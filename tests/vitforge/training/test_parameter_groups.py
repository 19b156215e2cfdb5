"""Layer-wise learning rates against timm's, weight by weight."""

import pytest
import torch

from vitforge.artifacts import BackboneSpec
from vitforge.backbones import build
from vitforge.training.parameter_groups import parameter_groups

WINDOWS = {
    "img_size": 32,
    "patch_size": 2,
    "window_size": 4,
    "embed_dim": 16,
    "depths": [1, 2],
    "num_heads": [2, 2],
}


@pytest.mark.parametrize("depth", [2, 4])
def test_layer_decay_is_timms(tiny_spec: BackboneSpec, depth: int) -> None:
    from timm.optim import param_groups_layer_decay

    spec = tiny_spec.model_copy(update={"args": {**tiny_spec.args, "depth": depth}})
    backbone = build(spec, 4)
    ours = {
        id(weight): (group["lr_scale"], group["weight_decay"])
        for group in parameter_groups(backbone, 0.05, 0.7)
        for weight in group["params"]
    }
    theirs = {
        id(weight): (group["lr_scale"], group["weight_decay"])
        for group in param_groups_layer_decay(
            backbone.model,
            0.05,
            no_weight_decay_list=backbone.model.no_weight_decay(),
            layer_decay=0.7,
        )
        for weight in group["params"]
    }
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert value == pytest.approx(theirs[key])


def test_layer_decay_holds_for_transformers_too() -> None:
    """timm's own function makes one group of such a model: no decay at all."""
    args = {
        "image_size": 16,
        "patch_size": 8,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    backbone = build(
        BackboneSpec(library="transformers", name="vit", args=args, pretrained=False, label=""), 4
    )
    scales = {round(group["lr_scale"], 6) for group in parameter_groups(backbone, 0.05, 0.5)}
    assert scales == {1.0, 0.5, 0.25, 0.125}


def test_freezing_reaches_what_lies_between_swins_stages() -> None:
    from vitforge.training.strategies import freeze_prefix

    spec = BackboneSpec(
        library="timm",
        name="swin_tiny_patch4_window7_224",
        args=WINDOWS,
        pretrained=False,
        label="",
    )
    torch.manual_seed(0)
    backbone = build(spec, 4)
    freeze_prefix(backbone, 1)
    frozen = {name for name, p in backbone.model.named_parameters() if not p.requires_grad}
    assert {name.split(".blocks")[0].split(".weight")[0] for name in frozen} >= {"layers.0"}
    assert any("downsample" in name for name in frozen)
    assert not any(name.startswith("layers.1.blocks") for name in frozen)
