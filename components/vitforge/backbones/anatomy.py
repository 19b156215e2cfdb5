"""Finding blocks and attention inside a model by what they are, not by a model's private names."""

from torch import nn


def find_attention(model: nn.Module) -> list[nn.Module]:
    """Self-attention modules in order of depth.

    An attention module's class name says so in both libraries (`Attention`, `WindowAttention`,
    `ViTAttention`, `Dinov2SelfAttention`); of nested ones the innermost computes.
    """
    named = {
        name: module
        for name, module in model.named_modules()
        if "Attention" in type(module).__name__ and "Pool" not in type(module).__name__
    }
    inner = [
        module
        for name, module in named.items()
        if not any(other.startswith(f"{name}.") for other in named)
    ]
    return [module for module in inner if any(True for _ in module.parameters())]


def find_blocks(model: nn.Module) -> list[nn.Module]:
    """Residual blocks in order of depth: the innermost list members that hold attention."""
    attention = set(find_attention(model))
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
