"""Colour operations on batches; the same results as Pillow's, on floats.

Images are float in [0, 1], shape (N, 3, H, W); values are one number for each image, shape (N,).
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def _each(values_N: Tensor) -> Tensor:
    return values_N[:, None, None, None]


def _blend(base: Tensor, images: Tensor, factor_N: Tensor) -> Tensor:
    return (base + _each(factor_N) * (images - base)).clamp(0, 1)


def grey(images: Tensor) -> Tensor:
    """Luma of ITU-R 601, shape (N, 1, H, W)."""
    weights = images.new_tensor([0.299, 0.587, 0.114])
    return (images * weights[None, :, None, None]).sum(dim=1, keepdim=True)


def brightness(images: Tensor, factor_N: Tensor) -> Tensor:
    """0 is black, 1 the image itself."""
    return _blend(torch.zeros_like(images), images, factor_N)


def contrast(images: Tensor, factor_N: Tensor) -> Tensor:
    """0 is the mean grey, 1 the image itself."""
    return _blend(grey(images).mean(dim=(2, 3), keepdim=True), images, factor_N)


def saturation(images: Tensor, factor_N: Tensor) -> Tensor:
    """0 is grey, 1 the image itself."""
    return _blend(grey(images), images, factor_N)


def sharpness(images: Tensor, factor_N: Tensor) -> Tensor:
    """0 is smoothed, 1 the image itself; the outermost pixels stay."""
    kernel = images.new_tensor([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    smooth = images.clone()
    smooth[..., 1:-1, 1:-1] = F.conv2d(images, kernel.expand(3, 1, 3, 3), groups=3)
    return _blend(smooth, images, factor_N)


def solarize(images: Tensor, threshold_N: Tensor) -> Tensor:
    """Invert what is at or above the threshold, [0, 1]."""
    return torch.where(images >= _each(threshold_N), 1 - images, images)


def posterize(images: Tensor, bits_N: Tensor) -> Tensor:
    """Keep the highest bits of eight, 1 to 8; fewer would blacken the image."""
    step = 2 ** (8 - bits_N.round().clamp(1, 8))
    levels = (images * 255).round()
    return (levels / _each(step)).floor() * _each(step) / 255


def invert(images: Tensor, _: Tensor) -> Tensor:
    """Negative."""
    return 1 - images


def autocontrast(images: Tensor, _: Tensor) -> Tensor:
    """Stretch each channel to the whole range; a flat channel stays."""
    low = images.amin(dim=(2, 3), keepdim=True)
    span = images.amax(dim=(2, 3), keepdim=True) - low
    return torch.where(span > 0, (images - low) / span.clamp(min=1e-6), images)


def equalize(images: Tensor, _: Tensor) -> Tensor:
    """Even out each channel's histogram."""
    n, c, h, w = images.shape
    levels = (images * 255).round().long().view(n * c, h * w)
    histogram = torch.zeros(n * c, 256, device=images.device, dtype=torch.long)
    histogram.scatter_add_(1, levels, torch.ones_like(levels))
    # Pillow: the step leaves out the last occupied level's count.
    last = 255 - histogram.flip(1).ne(0).int().argmax(1, keepdim=True)
    step = (h * w - histogram.gather(1, last)) // 255
    before = histogram.cumsum(1) - histogram
    table = ((before + step // 2) // step.clamp(min=1)).clamp(0, 255)
    even = table.gather(1, levels).view(n, c, h, w).to(images.dtype) / 255
    return torch.where(step.view(n, c, 1, 1) > 0, even, images)
