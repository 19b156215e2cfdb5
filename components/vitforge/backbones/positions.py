"""Position embeddings for another image size."""

import math
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NAMES = ("position_embeddings", "position_embedding.weight")


def interpolate_positions(stored: Tensor, tokens: int) -> Tensor:
    """Position embeddings of a square grid to those of another one; class tokens keep theirs.

    Args:
        stored: Shape (..., T, D): class tokens first, then the grid, row by row.
        tokens: T of the result, with as many class tokens.

    Source: bicubic, antialiased, as timm does; DeiT, https://arxiv.org/abs/2012.12877
    """
    flat_TD = stored.reshape(stored.shape[-2:]).float()
    side = math.isqrt(len(flat_TD))
    special = len(flat_TD) - side**2
    wanted = math.isqrt(tokens - special)
    grid = flat_TD[special:].T.reshape(1, -1, side, side)
    grid = F.interpolate(grid, size=(wanted, wanted), mode="bicubic", antialias=True)
    resized = torch.cat([flat_TD[:special], grid.reshape(-1, wanted**2).T])
    return resized.reshape(*stored.shape[:-2], *resized.shape).to(stored.dtype)


@torch.no_grad()
def resize_positions(model: nn.Module, folder: Path, keys: Iterable[str]) -> set[str]:
    """Fill position embeddings whose size differs from the stored ones.

    Args:
        model: Changed in place.
        folder: Holds the stored weights, safetensors.
        keys: Weights that could not be loaded.

    Returns:
        Those of `keys` that are filled now.
    """
    from safetensors import safe_open

    filled = set()
    for key in (key for key in keys if key.endswith(NAMES)):
        weight = model.get_parameter(key)
        for file in sorted(folder.glob("*.safetensors")):
            with safe_open(file, framework="pt") as content:
                named = [name for name in content.keys() if key.endswith(name)]  # noqa: SIM118
                for name in named:
                    weight.copy_(interpolate_positions(content.get_tensor(name), weight.shape[-2]))
                    filled.add(key)
    return filled
