"""Nearest neighbours on frozen features: what a pretrained backbone knows before training."""

import torch
from torch import Tensor
from torch.nn import functional as F

from vitforge.artifacts import Preprocessing
from vitforge.backbones import Backbone
from vitforge.training.images import ImageSet
from vitforge.training.normalise import normalise, to_unit

NEIGHBOURS = 10
BATCH = 64


def neighbours_correct(
    backbone: Backbone, fit: ImageSet, held_out: ImageSet, how: Preprocessing, device: torch.device
) -> Tensor:
    """Which held-out images their nearest neighbours by cosine name rightly.

    Args:
        backbone: Pretrained, on any device; brought to `device`.
        fit: Images whose labels vote.
        held_out: Images to be named.
        how: Preprocessing of both.
        device: Where to compute.

    Returns:
        bool, shape (held-out images,).
    """
    backbone.to(device).eval()
    bank_ND = _features(backbone, fit, how, device)
    query_MD = _features(backbone, held_out, how, device)
    nearest_MK = (query_MD @ bank_ND.T).topk(min(NEIGHBOURS, len(fit)), dim=1).indices
    votes_MK = fit.labels_N[nearest_MK]
    return votes_MK.mode(dim=1).values == held_out.labels_N


@torch.inference_mode()
def _features(
    backbone: Backbone, images: ImageSet, how: Preprocessing, device: torch.device
) -> Tensor:
    parts = [
        F.normalize(backbone.features(normalise(to_unit(pixels.to(device)), how)).float(), dim=1)
        for pixels in torch.split(images.pixels_NCHW, BATCH)
    ]
    return torch.cat(parts).cpu()
