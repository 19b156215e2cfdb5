"""Which weights decay, and how fast each layer learns."""

from typing import Any

from torch import nn

from vitforge.backbones import Backbone

UNDECAYED = (
    "cls_token",
    "dist_token",
    "distillation_token",
    "reg_token",
    "register_tokens",
    "mask_token",
    "pos_embed",
    "position_embed",
    "relative_position_bias",
)


def parameter_groups(
    backbone: Backbone, weight_decay: float, layer_decay: float = 1.0
) -> list[dict[str, Any]]:
    """AdamW's groups: matrices decay; norms, biases, tokens and position embeddings do not.

    Args:
        backbone: Only weights with `requires_grad` are taken.
        weight_decay: Decay of matrices.
        layer_decay: Each layer's learning rate over the next one's, (0, 1]: of L blocks, block l
            (from 1) gets layer_decay^(L + 1 - l), the embeddings layer_decay^(L + 1), what follows
            the blocks 1.

    Returns:
        Groups with `params`, `weight_decay` and `lr_scale`, the factor on the learning rate.

    Source: DeiT's `no_weight_decay`, https://arxiv.org/abs/2012.12877; layer-wise decay, BEiT,
        https://arxiv.org/abs/2106.08254
    """
    scales = _scales(backbone, layer_decay)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, weight in backbone.named_parameters():
        if weight.requires_grad:
            spared = weight.ndim < 2 or any(part in name for part in UNDECAYED)
            groups.setdefault((scales.get(id(weight), 1.0), spared), []).append(weight)
    return [
        {"params": params, "weight_decay": 0.0 if spared else weight_decay, "lr_scale": scale}
        for (scale, spared), params in sorted(groups.items(), key=lambda item: item[0])
    ]


def _scales(backbone: Backbone, layer_decay: float) -> dict[int, float]:
    """Learning-rate factor of each weight at or before the blocks, by identity."""
    if layer_decay == 1:
        return {}
    blocks = backbone.blocks
    scales = {id(w): layer_decay ** (len(blocks) + 1) for w in backbone.embedding_parameters()}
    for depth, block in enumerate(blocks, start=1):
        scales |= {id(w): layer_decay ** (len(blocks) + 1 - depth) for w in block.parameters()}
    return scales
