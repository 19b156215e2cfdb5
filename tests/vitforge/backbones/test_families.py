"""Every family of backbones, small and random, in both libraries: the same interface holds."""

from pathlib import Path
from typing import Any

import pytest
import torch

from vitforge.artifacts import BackboneSpec
from vitforge.backbones import Backbone, build, resolve
from vitforge.backbones.positions import interpolate_positions
from vitforge.tasks import output_count

PLAIN = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2}
WINDOWS = {
    "img_size": 32,
    "patch_size": 2,
    "window_size": 4,
    "embed_dim": 16,
    "depths": [1, 2],
    "num_heads": [2, 2],
}
CONV = {"depths": [1, 1, 1, 1], "dims": [8, 16, 24, 32]}
TIMM: dict[str, dict[str, Any]] = {
    "vit_tiny_patch16_224": PLAIN,
    "deit_tiny_distilled_patch16_224": PLAIN,
    "deit3_small_patch16_224": PLAIN,
    "swin_tiny_patch4_window7_224": WINDOWS,
    "swinv2_tiny_window8_256": WINDOWS,
    "beit_base_patch16_224": PLAIN,
    "eva02_tiny_patch14_224": PLAIN,
    "vit_small_patch14_reg4_dinov2": PLAIN,
    "vit_base_patch16_siglip_224": PLAIN,
    "cait_xxs24_224": PLAIN,
    "convnext_atto": CONV,
}
HF_PLAIN = {
    "image_size": 32,
    "patch_size": 8,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
HF_WINDOWS = {**WINDOWS, "image_size": 32}
del HF_WINDOWS["img_size"]
HF_CONV = {"image_size": 32, "num_stages": 3, "hidden_sizes": [8, 16, 32], "depths": [1, 1, 1]}
HF: dict[str, dict[str, Any]] = {
    "vit": HF_PLAIN,
    "deit": HF_PLAIN,
    "beit": {**HF_PLAIN, "use_relative_position_bias": True},
    "dinov2": {**HF_PLAIN, "mlp_ratio": 2},
    "dinov2_with_registers": {**HF_PLAIN, "mlp_ratio": 2, "num_register_tokens": 4},
    "siglip": {"vision_config": HF_PLAIN},
    "swin": HF_WINDOWS,
    "swinv2": HF_WINDOWS,
    "convnext": HF_CONV,
}
SPECS = {
    f"{library}/{name}": BackboneSpec(
        library=library,  # type: ignore[arg-type]
        name=name,
        args=args,
        pretrained=False,
        label="",
    )
    for library, models in (("timm", TIMM), ("transformers", HF))
    for name, args in models.items()
}
IS_PLAIN = ("vit", "deit", "dinov2", "cait", "siglip")


@pytest.fixture(params=SPECS)
def case(request: pytest.FixtureRequest) -> tuple[str, Backbone]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return request.param, build(SPECS[request.param], 5, image_size=32).eval()


def images(size: int = 32) -> torch.Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_forward_features_blocks_head_attention(case: tuple[str, Backbone]) -> None:
    name, backbone = case
    order: list[int] = []
    for index, block in enumerate(backbone.blocks):
        block.register_forward_hook(lambda *_, i=index: order.append(i))
    assert backbone(images()).shape == (2, 5)
    assert order == list(range(4 if name == "timm/convnext_atto" else 3))
    width = 64 if "transformers/dinov2" in name else 32  # class token and the patches' mean
    assert backbone.features(images()).shape == (2, width)
    assert len(backbone.attention_modules()) == (0 if "convnext" in name else 3)
    assert (backbone.tokens == 0) == ("convnext" in name)
    assert backbone.image_size == 32
    assert len(backbone.mean) == len(backbone.std) == 3 and min(backbone.std) > 0
    if "distilled" not in name:
        torch.testing.assert_close(backbone.head(backbone.features(images())), backbone(images()))


def test_parts_do_not_overlap(case: tuple[str, Backbone]) -> None:
    _, backbone = case
    embedding = {id(p) for p in backbone.embedding_parameters()}
    blocks = {id(p) for block in backbone.blocks for p in block.parameters()}
    head = {id(p) for p in backbone.head.parameters()}
    assert embedding and head and not (embedding & blocks or embedding & head or head & blocks)


@torch.no_grad()
def test_another_image_size(case: tuple[str, Backbone]) -> None:
    name, backbone = case
    other = build(SPECS[name], 5, image_size=64).eval()
    assert other.image_size == 64 and other(images(64)).shape == (2, 5)
    if "convnext" not in name:
        special = backbone.tokens % 16  # of 4 x 4 patches, or 16 x 16 in Swin
        assert other.tokens == 4 * (backbone.tokens - special) + special


@pytest.mark.parametrize("name", ["timm/eva02_tiny_patch14_224", "transformers/siglip"])
@pytest.mark.parametrize(
    ("task", "outputs"),
    [("single_label", 4), ("multi_label", 4), ("ordinal", 3), ("regression", 1)],
)
def test_heads_of_every_task(name: str, task: Any, outputs: int) -> None:
    assert output_count(task, 4) == outputs
    assert build(SPECS[name], output_count(task, 4))(images()).shape == (2, outputs)


@torch.no_grad()
def test_plain_ones_take_any_size_for_a_while(case: tuple[str, Backbone]) -> None:
    name, backbone = case
    family = name.split("/")[1]
    assert backbone.is_plain == family.startswith(IS_PLAIN)
    if not backbone.is_plain or family.startswith("cait") or name == "transformers/siglip":
        return
    before = backbone(images())
    with backbone.any_size():
        assert backbone(images(16)).shape == (2, 5)
        torch.testing.assert_close(backbone(images()), before)
    assert torch.equal(backbone(images()), before)


def test_positions_of_a_ramp() -> None:
    """A plane stays a plane; class tokens stay; and timm's own function agrees."""
    from timm.layers import resample_abs_pos_embed

    at = torch.arange(4.0)
    ramp = (at[:, None] + 10 * at).reshape(1, 16, 1)
    stored = torch.cat([torch.full((1, 2, 1), 99.0), ramp], dim=1)
    got = interpolate_positions(stored, 2 + 64)
    assert got.shape == (1, 66, 1) and got[0, :2, 0].tolist() == [99, 99]
    theirs = resample_abs_pos_embed(stored, [8, 8], num_prefix_tokens=2)
    torch.testing.assert_close(got, theirs)


def test_stored_weights_at_another_size(tmp_path: Path) -> None:
    """Transformers would draw fresh position embeddings; ours are the stored ones, stretched."""
    from transformers import ViTConfig, ViTForImageClassification

    original = ViTForImageClassification(ViTConfig(**HF_PLAIN, num_labels=5))
    original.save_pretrained(tmp_path / "hf")
    larger = build(resolve(str(tmp_path / "hf")), 5, image_size=64)
    want = interpolate_positions(original.vit.embeddings.position_embeddings.data, 65)
    assert torch.equal(larger.model.vit.embeddings.position_embeddings, want)
