"""Geometry as 3×3 matrices: any number of operations cost one resampling.

A matrix maps a place in the output to the place in the input that it is taken from; coordinates
run from -1 to 1 across the image, as in `torch.nn.functional.grid_sample`.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""RGB, shape (H, W, 3)."""
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


def crop(draws_N4: Values, min_area: float) -> Matrices:
    """A random box of [min_area, 1] of the area, aspect 3/4 to 4/3, blown up to the whole image.

    Args:
        draws_N4: Four numbers an image in [0, 1), shape (N, 4).
        min_area: Share of the area; 1 = no crop.

    Source: Szegedy et al. 2015, https://arxiv.org/abs/1409.4842
    """
    m = identity(len(draws_N4))
    if min_area >= 1:
        return m
    area, aspect, x, y = draws_N4.T
    area = min_area + area * (1 - min_area)
    aspect = (3 / 4) ** (1 - 2 * aspect)
    width, height = np.minimum(np.sqrt(area * aspect), 1), np.minimum(np.sqrt(area / aspect), 1)
    m[:, 0, 0], m[:, 1, 1] = width, height
    m[:, 0, 2] = (2 * x - 1) * (1 - width)
    m[:, 1, 2] = (2 * y - 1) * (1 - height)
    return m


def to_pixels(matrices: Matrices, source: int, size: int) -> Matrices:
    """The same maps between pixel centres, from an output of `size` to an input of `source`."""
    into = np.diag([source / 2, source / 2, 1.0])
    into[:2, 2] = source / 2 - 0.5
    out = np.diag([2 / size, 2 / size, 1.0])
    out[:2, 2] = 1 / size - 1
    return into @ matrices @ out


def warp(image: Image, pixel_map: NDArray[np.float64], size: int, fill_border: bool) -> Image:
    """Resample an image bilinearly, by a matrix from `to_pixels`.

    Args:
        image: Any size.
        pixel_map: Shape (3, 3).
        size: Height and width of the result, pixels.
        fill_border: Places outside take the border's colour (true) or the image's mean (false).
    """
    border = cv2.BORDER_REPLICATE
    colour: Sequence[float] = ()
    if not fill_border and _leaves(image, pixel_map, size):
        border, colour = cv2.BORDER_CONSTANT, cv2.mean(image)
    out = cv2.warpAffine(
        image,
        pixel_map[:2],
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=colour,
    )
    return np.asarray(out, dtype=np.uint8)


def _leaves(image: Image, pixel_map: NDArray[np.float64], size: int) -> bool:
    """Whether a corner of the result lies a pixel or more outside the image."""
    end = size - 1
    corners = pixel_map[:2] @ np.array([[0, 0, end, end], [0, end, 0, end], [1, 1, 1, 1]])
    return bool(corners.min() < -1 or corners.max() > max(image.shape[:2]))
