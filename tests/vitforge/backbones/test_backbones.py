"""Tiny random models of both libraries, against the libraries themselves."""

import json
from pathlib import Path

import pytest
import torch

from vitforge.artifacts import BackboneSpec, ModelConfig, Preprocessing
from vitforge.backbones import Backbone, build, resolve
from vitforge.backbones.checkpoint import load_checkpoint, save_checkpoint
from vitforge.errors import VitforgeError

TINY = {"img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 3, "num_heads": 2}
SWIN = {
    "img_size": 32,
    "patch_size": 2,
    "window_size": 4,
    "embed_dim": 16,
    "depths": [1, 2],
    "num_heads": [2, 2],
}
HF = {
    "model_type": "vit",
    "image_size": 16,
    "patch_size": 4,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
SPECS = {
    "vit": BackboneSpec(
        library="timm", name="vit_tiny_patch16_224", args=TINY, pretrained=False, label="tiny"
    ),
    "deit": BackboneSpec(
        library="timm",
        name="deit_tiny_distilled_patch16_224",
        args=TINY,
        pretrained=False,
        label="",
    ),
    "swin": BackboneSpec(
        library="timm",
        name="swin_tiny_patch4_window7_224",
        args=SWIN,
        pretrained=False,
        label="",
    ),
    "hf": BackboneSpec(library="transformers", name="vit", args=HF, pretrained=False, label=""),
}
TOKENS = {"vit": 17, "deit": 18, "swin": 256, "hf": 17}


@pytest.fixture(params=SPECS)
def case(request: pytest.FixtureRequest) -> tuple[str, Backbone]:
    torch.manual_seed(0)
    return request.param, build(SPECS[request.param], num_classes=5).eval()


def images(backbone: Backbone) -> torch.Tensor:
    return torch.randn(2, 3, backbone.image_size, backbone.image_size)


def test_shapes(case: tuple[str, Backbone]) -> None:
    name, backbone = case
    x = images(backbone)
    assert backbone(x).shape == (2, 5)
    assert backbone.features(x).shape == (2, 32)
    assert len(backbone.blocks) == 3
    assert len(backbone.attention_modules()) == 3
    assert backbone.tokens == TOKENS[name]
    assert backbone.parameter_count == sum(p.numel() for p in backbone.model.parameters())


def test_head_of_features_is_forward(case: tuple[str, Backbone]) -> None:
    name, backbone = case
    if name == "deit":
        pytest.skip("two heads are averaged over two tokens")
    x = images(backbone)
    torch.testing.assert_close(backbone.head(backbone.features(x)), backbone(x))


def test_blocks_run_in_the_order_listed(case: tuple[str, Backbone]) -> None:
    _, backbone = case
    order: list[int] = []
    for index, block in enumerate(backbone.blocks):
        block.register_forward_hook(lambda *_, i=index: order.append(i))
    backbone(images(backbone))
    assert order == [0, 1, 2]


def test_embeddings_and_blocks_and_head_do_not_overlap(case: tuple[str, Backbone]) -> None:
    _, backbone = case
    embedding = {id(p) for p in backbone.embedding_parameters()}
    in_blocks = {id(p) for block in backbone.blocks for p in block.parameters()}
    head = {id(p) for p in backbone.head.parameters()}
    assert embedding and head
    assert not embedding & in_blocks and not embedding & head and not head & in_blocks
    first = next(backbone.model.parameters())
    assert id(first) in embedding  # whatever comes first in the model precedes the blocks


def test_checkpoint_round_trip_is_bit_equal(case: tuple[str, Backbone], tmp_path: Path) -> None:
    _, backbone = case
    config = ModelConfig(
        backbone=backbone.spec, classes=("a", "b", "c", "d", "e"), image_size=backbone.image_size
    )
    how = Preprocessing(image_size=backbone.image_size, mean=backbone.mean, std=backbone.std)
    save_checkpoint(tmp_path, backbone, config, how)
    again, config_again, how_again = load_checkpoint(tmp_path)
    x = images(backbone)
    assert torch.equal(again(x), backbone(x))
    assert config_again.backbone == backbone.spec
    assert config_again.classes == config.classes and how_again == how
    assert not list(tmp_path.glob("*.bin"))


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    backbone = build(SPECS["vit"], 5)
    config = ModelConfig(backbone=backbone.spec, classes=tuple("abcde"), image_size=16)
    how = Preprocessing(image_size=16, mean=backbone.mean, std=backbone.std)
    save_checkpoint(tmp_path, backbone, config, how)
    config.model_copy(update={"classes": tuple("abcdef")}).save(tmp_path / "config.json")
    with pytest.raises(VitforgeError, match="cannot be loaded"):
        load_checkpoint(tmp_path)


def test_missing_weights_are_told(tmp_path: Path) -> None:
    backbone = build(SPECS["vit"], 5)
    config = ModelConfig(backbone=backbone.spec, classes=tuple("abcde"), image_size=16)
    how = Preprocessing(image_size=16, mean=backbone.mean, std=backbone.std)
    save_checkpoint(tmp_path, backbone, config, how)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(VitforgeError, match="cannot be loaded"):
        load_checkpoint(tmp_path)


def test_image_size_is_passed_on() -> None:
    assert build(SPECS["vit"], 5, image_size=32).tokens == 65
    assert build(SPECS["hf"], 5, image_size=32).tokens == 65


def test_wrong_arguments_are_told() -> None:
    wrong = SPECS["vit"].model_copy(update={"args": {"dept": 3}})
    with pytest.raises(VitforgeError, match="cannot build"):
        build(wrong, 5)


def test_transformers_folder(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(1)
    settings = {k: v for k, v in HF.items() if k != "model_type"}
    original = ViTForImageClassification(ViTConfig(**settings, num_labels=5)).eval()
    original.save_pretrained(tmp_path / "hf")
    spec = resolve(str(tmp_path / "hf"))
    assert spec.library == "transformers"
    backbone = build(spec, 5).eval()
    x = images(backbone)
    assert torch.equal(backbone(x), original(pixel_values=x).logits)
    # another number of classes: a fresh head, the rest kept
    other = build(spec, 7).eval()
    torch.testing.assert_close(other.features(x), backbone.features(x))
    # the spec of the built model needs the folder no more
    assert str(tmp_path) not in backbone.spec.model_dump_json()
    with pytest.raises(VitforgeError, match="do not fit"):
        build(resolve(str(tmp_path / "hf"), args={"intermediate_size": 32}), 5)


def test_timm_folder(tmp_path: Path) -> None:
    import timm
    from timm.models import save_for_hf

    torch.manual_seed(1)
    original = timm.create_model("vit_tiny_patch16_224", num_classes=5, **TINY).eval()
    save_for_hf(original, tmp_path / "timm", model_args=TINY, safe_serialization=True)
    spec = resolve(str(tmp_path / "timm"))
    assert spec.library == "timm"
    backbone = build(spec, 5).eval()
    x = images(backbone)
    assert torch.equal(backbone(x), original(x))
    other = build(spec, 7).eval()
    torch.testing.assert_close(other.features(x), backbone.features(x))


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "model.pth", "x.pt", "last.ckpt"])
@pytest.mark.parametrize("key", ["model_type", "architecture"])
def test_pickles_are_refused_unread(tmp_path: Path, pickle: str, key: str) -> None:
    folder = tmp_path / "planted"
    folder.mkdir()
    value = "vit" if key == "model_type" else "vit_tiny_patch16_224"
    (folder / "config.json").write_text(json.dumps({key: value}))
    (folder / pickle).write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    with pytest.raises(VitforgeError, match="pickles") as told:
        build(resolve(str(folder)), 5)
    assert pickle in told.value.cause and told.value.mend


@pytest.mark.parametrize(
    ("text", "library", "name"),
    [
        ("timm/vit_tiny_patch16_224", "timm", "vit_tiny_patch16_224"),
        (
            "timm/deit_small_patch16_224.fb_in1k",
            "timm",
            "deit_small_patch16_224.fb_in1k",
        ),
        ("transformers/vit", "transformers", "vit"),
        (
            "transformers/google/vit-base-patch16-224",
            "transformers",
            "google/vit-base-patch16-224",
        ),
        ("google/vit-base-patch16-224", "transformers", "google/vit-base-patch16-224"),
    ],
)
def test_resolve(text: str, library: str, name: str) -> None:
    spec = resolve(text, pretrained=text != "transformers/vit")
    assert (spec.library, spec.name) == (library, name)


def test_unknown_timm_names_tell_the_nearest() -> None:
    with pytest.raises(VitforgeError, match="no architecture") as told:
        resolve("timm/vit_smal_patch16_224")
    assert "timm/vit_small_patch16_224" in told.value.mend
    with pytest.raises(VitforgeError, match="no pretrained weights") as told:
        resolve("timm/deit_small_patch16_224.fb_in2k")
    assert "deit_small_patch16_224.fb_in1k" in told.value.mend


@pytest.mark.parametrize("text", ["resnet", "./nowhere/at/all", "/not/there"])
def test_unknown_forms_are_told(text: str) -> None:
    with pytest.raises(VitforgeError):
        resolve(text)


@pytest.mark.parametrize("text", ["timm/deit_tiny_patch16_224.fb_in1k", "google/vit-base-none"])
def test_an_unreachable_hub_is_told_at_once(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    spec = resolve(text)
    start = time.monotonic()
    with pytest.raises(VitforgeError, match="cannot be reached") as told:
        build(spec, 5)
    assert time.monotonic() - start < 10
    assert "HF_HOME" in told.value.mend and "pretrained: false" in told.value.mend
