"""Mixup and CutMix: two images in one, and their targets alike."""

import numpy as np
from torch import Tensor


def mix(
    images_NCHW: Tensor,
    targets_NK: Tensor,
    rng: np.random.Generator,
    mixup: float,
    cutmix: float,
) -> tuple[Tensor, Tensor]:
    """Mix every image with its mirror in the batch, by Mixup or CutMix with even chances.

    Args:
        images_NCHW: float.
        targets_NK: float, rows sum to 1.
        rng: Draws λ, and CutMix's box.
        mixup: Beta parameter of Mixup; 0 = off.
        cutmix: Beta parameter of CutMix; 0 = off.

    Returns:
        Mixed images and targets of the same shapes; the inputs themselves when both are off.

    Source: Zhang et al. 2018, https://arxiv.org/abs/1710.09412 (Mixup);
        Yun et al. 2019, https://arxiv.org/abs/1905.04899 (CutMix)
    """
    if mixup == 0 and cutmix == 0:
        return images_NCHW, targets_NK
    use_cutmix = cutmix > 0 and (mixup == 0 or rng.random() < 0.5)
    alpha = cutmix if use_cutmix else mixup
    share = float(rng.beta(alpha, alpha))
    partners = images_NCHW.flip(0)
    if use_cutmix:
        height, width = images_NCHW.shape[-2:]
        top, bottom, left, right = cut_box(height, width, share, rng)
        images_NCHW = images_NCHW.clone()
        images_NCHW[..., top:bottom, left:right] = partners[..., top:bottom, left:right]
        # The box is cut off at the border: λ is the area that was in fact kept.
        share = 1 - (bottom - top) * (right - left) / (height * width)
    else:
        images_NCHW = images_NCHW * share + partners * (1 - share)
    return images_NCHW, targets_NK * share + targets_NK.flip(0) * (1 - share)


def cut_box(
    height: int, width: int, share: float, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A box of (1 - share) of the area around a random centre, clipped to the image.

    Returns:
        (top, bottom, left, right), pixels.
    """
    side = (1 - share) ** 0.5
    half_h, half_w = int(height * side) // 2, int(width * side) // 2
    y, x = int(rng.integers(height)), int(rng.integers(width))
    return max(0, y - half_h), min(height, y + half_h), max(0, x - half_w), min(width, x + half_w)
