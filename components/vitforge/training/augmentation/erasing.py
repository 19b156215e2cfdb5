"""Random erasing: a rectangle of each chosen image becomes noise."""

import numpy as np
import torch
from torch import Tensor

from vitforge.training.augmentation.draws import uniforms


def erase(images_NCHW: Tensor, index_N: Tensor, key: tuple[int, ...], chance: float) -> Tensor:
    """Blank a rectangle with normal noise, in place, after normalising.

    Args:
        images_NCHW: Normalised, float.
        index_N: The images' positions in the data set.
        key: Seed and pass; with an image's index they choose place, size and noise.
        chance: Share of images that lose a rectangle of 2 to 33 % of the area, aspect 0.3 to 3.3.

    Source: Zhong et al. 2017, https://arxiv.org/abs/1708.04896
    """
    _, channels, height, width = images_NCHW.shape
    draws = uniforms((*key, 1), index_N.numpy(), 5)
    for at in np.flatnonzero(draws[:, 0] < chance):
        area = (0.02 + draws[at, 1] * (1 / 3 - 0.02)) * height * width
        aspect = 0.3 ** (1 - 2 * draws[at, 2])
        h = min(height, max(1, round(float(np.sqrt(area * aspect)))))
        w = min(width, max(1, round(float(np.sqrt(area / aspect)))))
        top, left = int(draws[at, 3] * (height - h + 1)), int(draws[at, 4] * (width - w + 1))
        rng = np.random.default_rng((*key, int(index_N[at])))
        noise = torch.from_numpy(rng.standard_normal((channels, h, w), dtype=np.float32))
        images_NCHW[at, :, top : top + h, left : left + w] = noise.to(images_NCHW)
    return images_NCHW
