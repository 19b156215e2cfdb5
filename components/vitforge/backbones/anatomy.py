"""Finding blocks and attention inside a model by what they are, not by a model's private names."""

import re

from torch import nn

CONVOLUTIONAL = re.compile(r"ConvNe[Xx]t(V2)?(Block|Layer)")


def find_attention(model: nn.Module) -> list[nn.Module]:
    """Self-attention modules in order of depth.

    An attention module's class name says so in both libraries (`Attention`, `WindowAttention`,
    `ViTAttention`, `Dinov2SelfAttention`, CaiT's `TalkingHeadAttn`); of nested ones the innermost
    computes. What pools the tokens at the end is none: only one token asks there.
    """
    named = {
        name: module
        for name, module in model.named_modules()
        if _is_attention(module) and not _pools(model, name)
    }
    inner = [
        module
        for name, module in named.items()
        if not any(other.startswith(f"{name}.") for other in named)
    ]
    return [module for module in inner if any(True for _ in module.parameters())]


def find_blocks(model: nn.Module) -> list[nn.Module]:
    """Residual blocks in order of depth: the innermost list members that hold attention.

    Without any attention, the blocks of a ConvNeXt.
    """
    attention = set(find_attention(model))
    if not attention:
        return [m for m in model.modules() if CONVOLUTIONAL.fullmatch(type(m).__name__)]
    blocks: dict[nn.Module, None] = {}
    owners = {id(child): parent for parent in model.modules() for child in parent.children()}
    for module in find_attention(model):
        node = module
        while id(node) in owners:
            parent = owners[id(node)]
            if isinstance(parent, nn.ModuleList | nn.Sequential) and node not in attention:
                blocks[node] = None
                break
            node = parent
    return list(blocks)


def _is_attention(module: nn.Module) -> bool:
    name = type(module).__name__
    return "Attention" in name or name == "TalkingHeadAttn"


def _pools(model: nn.Module, name: str) -> bool:
    """Whether the module, or one that it lies in, is an attention pool."""
    parts = name.split(".")
    above = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return any("Pool" in type(model.get_submodule(path)).__name__ for path in above)
