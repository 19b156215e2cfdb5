"""What a frozen backbone makes of the sample: computed once, judged several ways, kept."""

from collections.abc import Sequence

import torch

from vitforge.artifacts import Preprocessing
from vitforge.artifacts.features import FrozenFeatures
from vitforge.backbones import Backbone
from vitforge.training.images import ImageSet
from vitforge.training.normalise import normalise, to_unit

BATCH = 64


@torch.inference_mode()
def compute_features(
    backbone: Backbone,
    parts: Sequence[ImageSet],
    how: Preprocessing,
    device: torch.device,
    made_by: str,
) -> FrozenFeatures:
    """One forward pass over all images, without augmentation.

    Args:
        backbone: Pretrained, on any device; brought to `device`.
        parts: Decoded as `how` says; taken one after another.
        how: Preprocessing.
        device: Where to compute.
        made_by: From `features_key`.
    """
    backbone.to(device).eval()
    values = [
        backbone.features(normalise(to_unit(pixels.to(device)), how)).float().cpu()
        for images in parts
        for pixels in torch.split(images.pixels_NCHW, BATCH)
    ]
    return FrozenFeatures(
        torch.cat(values).numpy(),
        torch.cat([images.labels_N for images in parts]).numpy(),
        tuple(name for images in parts for name in images.ids),
        made_by,
    )
