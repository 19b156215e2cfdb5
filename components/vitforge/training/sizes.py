"""Progressive resizing: small images first."""

import math

from vitforge.backbones import Backbone
from vitforge.errors import VitforgeError
from vitforge.training.job import Job

STAGES = 4
"""Sizes that a training goes through."""


def patch_size(backbone: Backbone, job: Job) -> int:
    """Height and width of a patch of a plain backbone, pixels; 0 where sizes do not change."""
    if not job.recipe.smallest_size:
        return 0
    if not backbone.is_plain:
        raise VitforgeError(
            "the backbone takes images of one size only",
            where="finetuning.smallest_size",
            mend="set smallest_size: 0, or take a plain ViT",
        )
    return backbone.image_size // math.isqrt(backbone.tokens)


def size_of_epoch(job: Job, epoch: int, patch: int) -> int:
    """Height and width of an epoch's training images, pixels.

    Grows in even steps from `smallest_size` to the full size over the first half of the epochs.

    Args:
        job: Holds the recipe, the full size and the epochs.
        epoch: From 1.
        patch: Height and width of a patch, pixels, which divides every size.

    Raises:
        VitforgeError: if the smallest size is above the full one.

    Source: Tan and Le 2021 (EfficientNetV2), https://arxiv.org/abs/2104.00298
    """
    full, smallest = job.how.image_size, job.recipe.smallest_size
    if not smallest:
        return full
    if smallest > full:
        raise VitforgeError(
            f"finetuning.smallest_size ({smallest}) is above the image size ({full})",
            mend=f"set smallest_size to about {full * 4 // 7 // patch * patch}",
        )
    half = max(1, job.epochs // 2)
    stage = min(STAGES - 1, (epoch - 1) * (STAGES - 1) // half)
    size = smallest + (full - smallest) * stage / (STAGES - 1)
    return full if stage == STAGES - 1 else max(patch, round(size / patch) * patch)
