"""Against maps written out in full, the reference values, and both libraries' models."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from vitforge.artifacts import BackboneSpec
from vitforge.backbones import build
from vitforge.errors import VitforgeError
from vitforge.evaluation import attention_watch
from vitforge.evaluation.attention import statistics_rows
from vitforge.evaluation.attention_columns import from_columns, to_columns
from vitforge.evaluation.attention_watch import (
    AttentionStatistics,
    LayerStatistics,
    check_seen,
    watch_attention,
)
from vitforge.evaluation.falsification import deletion_and_insertion
from vitforge.evaluation.rollout import rollout
from vitforge.planning.attention import analyse_attention

TIMM = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 4}
HUB = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
SWIN = {"img_size": 32, "patch_size": 2, "embed_dim": 16, "depths": (2,), "num_heads": (2,)}
SPECS = {
    "timm": ("timm", "vit_tiny_patch16_224", TIMM),
    "vit": ("transformers", "vit", HUB),
    "dinov2": ("transformers", "dinov2", {**HUB, "mlp_ratio": 2}),
    "windows": ("timm", "swin_tiny_patch4_window7_224", {**SWIN, "window_size": 4}),
}


def make(kind):
    library, name, args = SPECS[kind]
    spec = BackboneSpec(library=library, name=name, args=args, pretrained=False, label="")
    torch.manual_seed(0)
    model = build(spec, 3, 32).eval()
    with torch.no_grad():  # sharper than a fresh model's, or every map is uniform
        for p in model.parameters():
            p.mul_(3) if p.dim() == 2 else None
    return model


def watched(model, images, **how):
    with watch_attention(model, **how) as seen, torch.no_grad():
        logits = model(images)
    check_seen(model, len(seen.tokens))
    return logits, seen.layers(len(images))


@pytest.mark.parametrize("kind", SPECS)
def test_watching_changes_no_answer_and_sees_every_layer(kind, monkeypatch):
    model, images = (
        make(kind),
        torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)),
    )
    maps = {}

    def look(layer, block):
        maps.setdefault(layer, []).append(block)

    with torch.no_grad():
        plain = model(images)
    monkeypatch.setitem(attention_watch.BLOCK_BYTES, "cpu", 1)  # one image a block
    logits, layers = watched(model, images, look=look)
    torch.testing.assert_close(logits, plain, atol=1e-4, rtol=1e-4)
    assert len(layers) == len(model.attention_modules())
    for place, layer in enumerate(layers):
        whole = torch.cat(maps[place]).numpy()
        windows = len(whole) // 3
        wanted = [analyse_attention(m) for m in whole]
        entropy = np.array([w.head_entropies for w in wanted]).reshape(3, windows, -1).mean(1)
        diversity = np.array([w.diversity for w in wanted]).reshape(3, windows).mean(1)
        np.testing.assert_allclose(layer.entropy_NH, entropy, atol=1e-4)
        if windows == 1:
            np.testing.assert_allclose(layer.diversity, diversity, atol=1e-4)


def test_reference_entropies():
    def entropy(scores):
        # Queries one-hot, keys the scores' columns: q·k are the scores themselves.
        tokens = scores.shape[-1]
        query = torch.eye(tokens)[None, None]
        key = scores.T.contiguous()[None, None]
        with attention_watch.AttentionWatch() as seen:
            scaled_dot_product_attention(query, key, key, scale=1.0)
        return float(seen.layers(1)[0].entropy_NH.mean())

    assert entropy(torch.zeros(197, 197)) == pytest.approx(5.2832, abs=1e-4)
    assert entropy(torch.eye(197) * 1000) == pytest.approx(0, abs=1e-4)
    two = torch.full((197, 197), -1000.0)
    two[:, :2] = 0
    assert entropy(two) == pytest.approx(math.log(2), abs=1e-4)


def layer_of(scores_HTT):
    heads, tokens, _ = scores_HTT.shape
    query = torch.eye(tokens).expand(1, heads, tokens, tokens)
    key = scores_HTT.transpose(-1, -2)[None].contiguous()
    with attention_watch.AttentionWatch() as seen:
        scaled_dot_product_attention(query, key, key, scale=1.0)
    return seen.layers(1)[0]


def test_identical_heads_have_no_diversity_and_disjoint_ones_all():
    same = layer_of(torch.randn(1, 20, 20).expand(12, 20, 20))
    assert float(same.diversity[0]) == pytest.approx(0, abs=1e-5)
    apart = torch.full((12, 24, 24), -1000.0)
    for head in range(12):
        apart[head, :, 2 * head : 2 * head + 2] = 0
    found = layer_of(apart)
    assert float(found.diversity[0]) == pytest.approx(0.9167, abs=1e-4)
    assert float(found.normalised_diversity[0]) == pytest.approx(1, abs=1e-5)


def test_a_collapsed_layer_is_named_and_a_good_one_is_not():
    def layer(entropy, cosine):
        spread = torch.linspace(-0.1, 0.1, 40)
        heads = torch.full((40, 12), entropy) + spread[:, None]
        return LayerStatistics(197, heads, torch.full((40,), cosine) + spread / 10)

    # cos 1 gives diversity 0; 1 - 0.75 * 11/12 gives .75 over distinct pairs
    layers = (layer(3.0, 1 - 0.75 * 11 / 12), layer(0.5, 0.95), layer(5.2, 0.2))
    rows = statistics_rows(AttentionStatistics(layers), level=0.95, resamples=200, seed=0)
    by_name = {(row.name, row.slice): row for row in rows}
    assert by_name["attention_collapsed", "all"].value == pytest.approx(1 / 3)
    assert "layers 2)" in by_name["attention_collapsed", "all"].note
    assert "layers 3)" in by_name["attention_uniform", "all"].note
    assert "layers 1)" in by_name["attention_good", "all"].note
    row = by_name["attention_entropy", "layer 1"]
    assert row.low < row.value < row.high
    assert by_name["attention_diversity", "layer 1"].value == pytest.approx(0.75, abs=1e-3)


def test_hidden_attention_is_told():
    model = make("timm")
    with pytest.raises(VitforgeError, match="of 3 attention layers 1"):
        check_seen(model, 1)


def test_rollout_of_uniform_layers_is_uniform_and_follows_a_pointing_head():
    model = make("timm")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_() if p.dim() == 2 else None
    found = rollout(model, images)
    np.testing.assert_allclose(found, np.full((2, 4, 4), 1 / 16), atol=1e-6)
    assert rollout(make("windows"), images) is None


def test_deletion_finds_the_patch_that_matters():
    # The probability is the brightness of patch (1, 2): only it counts.
    images = torch.ones(1, 3, 8, 8)

    def probability(x):
        return x[:, :, 2:4, 4:6].mean((1, 2, 3))

    weights = np.zeros((1, 4, 4), np.float32)
    weights[0, 1, 2] = 1
    deletion, insertion = deletion_and_insertion(probability, images, weights)
    worst_deletion, worst_insertion = deletion_and_insertion(probability, images, -weights)
    # Of 9 points the curve is 1 at the first alone; trapezoids give 1/16. And the reverse.
    assert deletion[0] == pytest.approx(1 / 16) and insertion[0] == pytest.approx(15 / 16)
    assert worst_deletion[0] == pytest.approx(15 / 16)
    assert worst_insertion[0] == pytest.approx(1 / 16)


def test_entropy_holds_where_the_first_token_vanishes():
    query = torch.full((1, 1, 4, 1), 200.0)
    key = torch.tensor([0.0, 1.0, 1.0, 1.0]).view(1, 1, 4, 1)  # weights 0, 1/3, 1/3, 1/3
    with attention_watch.AttentionWatch() as seen:
        out = scaled_dot_product_attention(query, key, torch.arange(4.0).view(1, 1, 4, 1))
    assert seen.entropies[0].item() == pytest.approx(math.log(3), abs=1e-4)
    assert out.flatten().tolist() == pytest.approx([2.0] * 4)


def test_columns_of_predictions_keep_every_layer():
    layers = (
        LayerStatistics(5, torch.rand(3, 2), torch.rand(3)),
        LayerStatistics(2, torch.rand(3, 4), torch.rand(3)),
    )
    again = from_columns(to_columns(AttentionStatistics(layers)))
    for old, new in zip(layers, again.layers, strict=True):
        assert old.tokens == new.tokens
        assert torch.equal(old.entropy_NH, new.entropy_NH)
        assert torch.equal(old.cosine_N, new.cosine_N)
    assert from_columns({}).layers == ()
