"""Geometry as 3×3 matrices: any number of operations cost one resampling.

A matrix maps a place in the output to the place in the input that it is taken from; coordinates
run from -1 to 1 across the image, as in `torch.nn.functional.grid_sample`.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Matrices = NDArray[np.float64]
"""Shape (N, 3, 3)."""
Values = NDArray[np.float64]
"""Shape (N,)."""


def identity(n: int) -> Matrices:
    """Change nothing."""
    return np.tile(np.eye(3), (n, 1, 1))


def rotate(degrees: Values) -> Matrices:
    """Turn around the centre."""
    m = identity(len(degrees))
    angle = np.deg2rad(degrees)
    m[:, 0, 0] = m[:, 1, 1] = np.cos(angle)
    m[:, 0, 1], m[:, 1, 0] = -np.sin(angle), np.sin(angle)
    return m


def shear_x(factor: Values) -> Matrices:
    """Slant rows."""
    m = identity(len(factor))
    m[:, 0, 1] = factor
    return m


def shear_y(factor: Values) -> Matrices:
    """Slant columns."""
    m = identity(len(factor))
    m[:, 1, 0] = factor
    return m


def translate_x(share: Values) -> Matrices:
    """Shift by a share of the width."""
    m = identity(len(share))
    m[:, 0, 2] = 2 * share
    return m


def translate_y(share: Values) -> Matrices:
    """Shift by a share of the height."""
    m = identity(len(share))
    m[:, 1, 2] = 2 * share
    return m


def scale(change: Values) -> Matrices:
    """Grow (> 0) or shrink (< 0) by a share of the size."""
    m = identity(len(change))
    m[:, 0, 0] = m[:, 1, 1] = 1 / (1 + change)
    return m


def flip(which: NDArray[np.bool_]) -> Matrices:
    """Mirror left and right."""
    m = identity(len(which))
    m[:, 0, 0] = np.where(which, -1.0, 1.0)
    return m


def crop(rng: np.random.Generator, n: int, min_area: float) -> Matrices:
    """A random box of [min_area, 1] of the area, aspect 3/4 to 4/3, blown up to the whole image.

    Source: Szegedy et al. 2015, https://arxiv.org/abs/1409.4842
    """
    m = identity(n)
    if min_area >= 1:
        return m
    area = rng.uniform(min_area, 1.0, n)
    aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3), n))
    width, height = np.minimum(np.sqrt(area * aspect), 1), np.minimum(np.sqrt(area / aspect), 1)
    m[:, 0, 0], m[:, 1, 1] = width, height
    m[:, 0, 2] = rng.uniform(-1, 1, n) * (1 - width)
    m[:, 1, 2] = rng.uniform(-1, 1, n) * (1 - height)
    return m


def warp(images_NCHW: Tensor, matrices: Matrices, size: int, fill_border: bool) -> Tensor:
    """Resample each image by its matrix, bilinearly.

    Args:
        images_NCHW: float, on any device.
        matrices: One for each image.
        size: Height and width of the result, pixels.
        fill_border: Places outside take the border's colour (true) or the image's mean (false).
    """
    theta = torch.from_numpy(matrices[:, :2]).to(images_NCHW)
    grid = F.affine_grid(theta, [len(images_NCHW), 3, size, size], align_corners=False)
    if fill_border:
        return F.grid_sample(images_NCHW, grid, padding_mode="border", align_corners=False)
    mean = images_NCHW.mean(dim=(2, 3), keepdim=True)
    return F.grid_sample(images_NCHW - mean, grid, align_corners=False) + mean
