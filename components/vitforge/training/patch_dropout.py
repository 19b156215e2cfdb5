"""Patch dropout: a training image without some of its patches."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from vitforge.backbones import Backbone
from vitforge.errors import VitforgeError


@contextmanager
def patch_dropout(backbone: Backbone, share: float) -> Iterator[None]:
    """While training inside this context, leave out random patches of each image.

    They are left out after the position embeddings are added, so that those left know their place.

    Args:
        backbone: A plain one; class tokens are always kept.
        share: Of the patches, [0, 1); 0 = off.

    Raises:
        VitforgeError: if the blocks need every token in its place.

    Source: Liu et al. 2022, https://arxiv.org/abs/2208.07220
    """
    if share == 0:
        yield
        return
    if not backbone.is_plain:
        raise VitforgeError(
            "the backbone's blocks need every patch in its place",
            where="finetuning.patch_dropout",
            mend="set patch_dropout: 0, or take a plain ViT",
        )

    def drop(block: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        if not block.training:
            return inputs
        return (leave_out(inputs[0], share), *inputs[1:])

    hook = backbone.blocks[0].register_forward_pre_hook(drop)
    try:
        yield
    finally:
        hook.remove()


def leave_out(tokens_NTD: Tensor, share: float) -> Tensor:
    """Keep the class tokens and a random (1 - share) of the patches, in their order."""
    count, tokens, width = tokens_NTD.shape
    patches = math.isqrt(tokens) ** 2
    special = tokens - patches
    kept = max(1, round(patches * (1 - share)))
    chosen_NP = torch.rand(count, patches).argsort(dim=1)[:, :kept].sort(dim=1).values + special
    always_NP = torch.arange(special).expand(count, special)
    index_NP = torch.cat([always_NP, chosen_NP], dim=1).to(tokens_NTD.device)
    return tokens_NTD.gather(1, index_NP[..., None].expand(-1, -1, width))
