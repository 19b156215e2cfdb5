"""LoRA's counts by hand and against peft."""

import pytest

from vitforge.backbones.anatomy import find_blocks
from vitforge.errors import ConfigError
from vitforge.planning.geometry import Geometry, named_geometry
from vitforge.planning.lora import choose_targets, geometry_shapes, linear_shapes, plan_lora

BASE = named_geometry("base")


def plan(geometry: Geometry, *arguments, fused: bool = True):
    shapes = geometry_shapes(geometry, fused)
    return plan_lora(shapes, geometry.parameters, geometry.head_parameters, *arguments)


def test_2dr_a_square_matrix() -> None:
    made = plan(BASE, 16, 32.0, "query-value", fused=False)
    assert {matrix.parameters for matrix in made.matrices} == {2 * 768 * 16}
    # Hu et al.: query and value in each of 12 blocks.
    assert made.adapter_parameters == 24 * 2 * 768 * 16
    assert made.scale == 2


def test_a_fused_qkv_is_one_matrix_of_3d_by_d() -> None:
    made = plan(BASE, 16, 32.0, "query-value")
    assert len(made.matrices) == 12
    assert made.adapter_parameters == 12 * 16 * (3 * 768 + 768)
    separate = plan(BASE, 16, 32.0, "attention", fused=False)
    assert len(separate.matrices) == 48


def test_share_memory_and_time() -> None:
    made = plan(BASE, 8, 16.0, "query-value", fused=False)
    trained = 24 * 2 * 768 * 8 + BASE.head_parameters
    assert made.trainable_parameters == trained
    everything = BASE.parameters + 24 * 2 * 768 * 8
    assert made.share == pytest.approx(trained / everything)
    assert made.memory_bytes == 4 * everything + 12 * trained
    assert made.full_memory_bytes == 16 * BASE.parameters
    assert 0.66 < made.step_time < 0.7
    assert made.warnings == ()


def test_tiny_backbones_are_warned_about() -> None:
    (warning,) = plan(named_geometry("tiny")).warnings
    assert "0.864 full, 0.822 LoRA" in warning
    assert plan(named_geometry("small")).warnings == ()


@pytest.mark.parametrize(
    ("arguments", "cause", "mend"),
    [
        ((800,), "larger than blocks.0.attn.qkv", "at most 768"),
        ((0,), "rank 0", "4 to 64"),
        ((8, 0.0), "alpha 0", "type 16"),
    ],
)
def test_refused(arguments, cause: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(BASE, *arguments)
    assert cause in caught.value.cause
    assert mend in caught.value.mend


def test_rank_as_large_as_the_layer_is_taken() -> None:
    assert plan(BASE, 768).rank == 768


def test_no_target() -> None:
    with pytest.raises(ConfigError, match="fc1"):
        choose_targets({"stages.0.mlp.fc1": (4, 4)}, "attention")


def tiny_timm(name: str = "vit_tiny_patch16_224", **arguments):
    import timm

    sizes = {"img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 3, "num_heads": 2}
    return timm.create_model(name, num_classes=5, **(arguments or sizes)), "head"


def tiny_swin():
    model, _ = tiny_timm(
        "swin_tiny_patch4_window7_224",
        img_size=32,
        patch_size=2,
        window_size=4,
        embed_dim=16,
        depths=[1, 2],
        num_heads=[2, 2],
    )
    return model, "head.fc"


def tiny_transformers():
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        image_size=16,
        patch_size=4,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=5,
    )
    return ViTForImageClassification(config), "classifier"


@pytest.mark.slow
@pytest.mark.parametrize("targets", ["query-value", "attention", "all"])
@pytest.mark.parametrize("make", [tiny_timm, tiny_swin, tiny_transformers])
def test_exact_against_peft(make, targets: str) -> None:
    from peft import LoraConfig, get_peft_model

    model, head = make()
    shapes = linear_shapes(model, find_blocks(model))
    total = sum(weight.numel() for weight in model.parameters())
    own = sum(weight.numel() for weight in model.get_submodule(head).parameters())
    made = plan_lora(shapes, total, own, 4, 8.0, targets)
    wanted = {"query-value": {"timm": 1, "hf": 2}, "attention": {"timm": 2, "hf": 4}}
    kind = "hf" if head == "classifier" else "timm"
    assert len(made.matrices) == 3 * wanted.get(targets, {"timm": 4, "hf": 6})[kind]
    config = LoraConfig(
        r=4, target_modules=[matrix.name for matrix in made.matrices], modules_to_save=[head]
    )
    adapted = get_peft_model(model, config)
    trained, everything = adapted.get_nb_trainable_parameters()
    assert made.trainable_parameters == trained
    # peft keeps the original head beside the one it trains.
    assert made.total_parameters + made.adapter_parameters + own == everything


def test_the_plain_vit_has_timms_shapes_and_parameters() -> None:
    model, _ = tiny_timm()
    geometry = Geometry(32, 3, 2, 16, 4, classes=5)
    assert geometry.parameters == sum(weight.numel() for weight in model.parameters())
    assert geometry_shapes(geometry) == linear_shapes(model, find_blocks(model))


def test_published_parameter_counts() -> None:
    """Dosovitskiy et al., table 1, and DeiT's 5 and 22 million."""
    millions = {"tiny": 5.7, "small": 22.1, "base": 86.6, "large": 304.3}
    for size, count in millions.items():
        assert named_geometry(size).parameters / 1e6 == pytest.approx(count, abs=0.06)


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        ({"image_size": 225}, "224 or 240"),
        ({"image_size": 10}, "image size of 16"),
        ({"heads": 5}, "heads"),
        ({"depth": 0}, "1 or more for depth"),
    ],
)
def test_geometry_that_cannot_be(arguments, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Geometry(**arguments)
    assert mend in caught.value.mend


def test_an_unknown_size_names_its_neighbour() -> None:
    with pytest.raises(ConfigError) as caught:
        named_geometry("vit-bse")
    assert caught.value.mend == "type base"
