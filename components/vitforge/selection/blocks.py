"""What each block of a backbone makes of some images."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitforge.artifacts import Preprocessing
from vitforge.backbones import Backbone
from vitforge.errors import VitforgeError
from vitforge.training.images import ImageSet
from vitforge.training.normalise import normalise, to_unit

BATCH = 32


@torch.inference_mode()
def block_features(
    backbone: Backbone, images: ImageSet, how: Preprocessing, device: torch.device
) -> list[NDArray[np.float32]]:
    """The mean over tokens after each block, from the input to the output; no augmentation.

    Args:
        backbone: Brought to `device`.
        images: Decoded as `how` says, N of them.
        how: Preprocessing.
        device: Where to compute.

    Returns:
        An array a block, shape (N, D), float32; D may grow with depth, as in Swin.

    Raises:
        VitforgeError: if the backbone has no attention blocks.
    """
    if not backbone.blocks:
        raise VitforgeError(
            "the backbone has no attention blocks to freeze",
            where=backbone.spec.display,
            mend="take a Vision Transformer, or strategy full or head",
        )
    seen: list[list[Tensor]] = [[] for _ in backbone.blocks]

    def keep(parts: list[Tensor]) -> Any:
        def note(_: nn.Module, __: Any, output: Any) -> None:
            tokens = output[0] if isinstance(output, tuple) else output
            # (N, T, D), or (N, H, W, D) in Swin
            parts.append(tokens.flatten(1, -2).mean(1).float().cpu())

        return note

    hooks = [
        block.register_forward_hook(keep(parts))
        for block, parts in zip(backbone.blocks, seen, strict=True)
    ]
    try:
        backbone.to(device).eval()
        for pixels in torch.split(images.pixels_NCHW, BATCH):
            backbone(normalise(to_unit(pixels.to(device)), how))
    finally:
        for hook in hooks:
            hook.remove()
    return [torch.cat(parts).numpy() for parts in seen]
