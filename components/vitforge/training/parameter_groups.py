"""Which weights decay."""

from typing import Any

from torch import nn

UNDECAYED = ("cls_token", "dist_token", "reg_token", "mask_token", "pos_embed", "position_embed")


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """AdamW's groups: matrices decay; norms, biases, tokens and position embeddings do not.

    Args:
        model: Only weights with `requires_grad` are taken.
        weight_decay: Decay of the first group.

    Source: DeiT's `no_weight_decay`, https://arxiv.org/abs/2012.12877
    """
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        if not weight.requires_grad:
            continue
        spared = weight.ndim < 2 or any(part in name for part in UNDECAYED)
        (kept if spared else decayed).append(weight)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
