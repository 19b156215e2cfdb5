"""Bytes to the model's input, on the device."""

import torch
from torch import Tensor

from vitforge.artifacts import Preprocessing


def to_unit(pixels_NCHW: Tensor) -> Tensor:
    """uint8 in [0, 255] to float32 in [0, 1]."""
    return pixels_NCHW.to(torch.float32) / 255


def normalise(images_NCHW: Tensor, how: Preprocessing) -> Tensor:
    """Subtract the channels' mean and divide by their standard deviation."""
    mean = images_NCHW.new_tensor(how.mean)[:, None, None]
    std = images_NCHW.new_tensor(how.std)[:, None, None]
    return (images_NCHW - mean) / std
