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
            (from 1) gets layer_decay^(L + 1 - l), the embeddings layer_decay^(L + 1), the last norm
            goes with the last block, and the head gets 1.

    Returns:
        Groups with `params`, `weight_decay` and `lr_scale`, the factor on the learning rate.

    Source: DeiT's `no_weight_decay`, https://arxiv.org/abs/2012.12877; layer-wise decay, BEiT,
        https://arxiv.org/abs/2106.08254, with timm's place for the last norm
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
    """Learning-rate factor of each weight, by identity.

    What lies between two blocks, as Swin's patch merging does, goes with the block that follows.
    """
    if layer_decay == 1:
        return {}
    blocks = backbone.blocks
    fixed = {id(w): 1.0 for w in backbone.head.parameters()}
    fixed |= {id(w): layer_decay ** (len(blocks) + 1) for w in backbone.embedding_parameters()}
    by_block = {
        id(weight): layer_decay ** (len(blocks) - depth)
        for depth, block in enumerate(blocks)
        for weight in block.parameters()
    }
    scales, following = {}, layer_decay
    # Both libraries define modules in the order in which images pass them.
    for weight in reversed(list(backbone.parameters())):
        following = by_block.get(id(weight), following)
        scales[id(weight)] = fixed.get(id(weight), following)
    return scales
