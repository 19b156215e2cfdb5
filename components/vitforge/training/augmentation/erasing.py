"""Random erasing: a rectangle of each chosen image becomes noise."""

import numpy as np
import torch
from torch import Tensor


def erase(images_NCHW: Tensor, rng: np.random.Generator, chance: float) -> Tensor:
    """Blank a rectangle with normal noise, in place, after normalising.

    Args:
        images_NCHW: Normalised, float.
        rng: Chooses images, places and noise.
        chance: Share of images that lose a rectangle of 2 to 33 % of the area, aspect 0.3 to 3.3.

    Source: Zhong et al. 2017, https://arxiv.org/abs/1708.04896
    """
    _, channels, height, width = images_NCHW.shape
    for at in np.flatnonzero(rng.random(len(images_NCHW)) < chance):
        area = rng.uniform(0.02, 1 / 3) * height * width
        aspect = np.exp(rng.uniform(np.log(0.3), np.log(1 / 0.3)))
        h = min(height, max(1, round(float(np.sqrt(area * aspect)))))
        w = min(width, max(1, round(float(np.sqrt(area / aspect)))))
        top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
        noise = torch.from_numpy(rng.standard_normal((channels, h, w), dtype=np.float32))
        images_NCHW[at, :, top : top + h, left : left + w] = noise.to(images_NCHW)
    return images_NCHW
