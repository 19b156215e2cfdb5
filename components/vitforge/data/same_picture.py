"""Whether two thumbnails show one picture: their pixels are laid over one another, place by place.

How much may differ depends on how much a picture can prove. A photograph has detail everywhere, so
that one that agrees with it after a crop and a change of light is a copy. A circle on white agrees
with every other circle after such changes; a simple drawing is a copy only where its pixels are
the same.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitforge.data.look import THUMB

Pixels = NDArray[np.float32]

TINY_ERROR = 2.0
"""Mean difference of luminance up to which tiny pictures agree, of 255."""
DETAIL = 3.0
"""Standard deviation of luminance in a tile, without its slope, that a picture's own detail has."""
RICH = 0.75
"""Share of tiles with detail from which on a picture may be cropped or change its light."""
NOISE = 6.0
"""Standard deviation that recompressing may add to a tile, of 255."""
AGREES = 0.5
"""Difference of a tile, over its own deviation, up to which it shows the same."""
AGREE = 0.9
"""Share of a rich picture's tiles that must; the rest may be a caption or a burnt-out sky."""
DIFFERS = 0.85
"""Difference from which on a single tile tells simple drawings apart."""
_TILES = 8
_CLOSE = 0.85
"""Correlation below which it is not worth looking closer."""
_STEPS = 3


class Crop(NamedTuple):
    """A part of a picture: share of its side, and its place across and down, [0, 1]."""

    size: float
    x: float
    y: float


def same_picture(
    one: NDArray[np.uint8], other: NDArray[np.uint8], crop: Crop, tiny: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Compare pairs of thumbnails.

    Args:
        one: Thumbnails, shape (pairs, THUMB, THUMB).
        other: What they are compared with, as they are.
        crop: Part of `one` that `other` may be.
        tiny: Pairs with an image so small that its pixels themselves must agree.

    Returns:
        Whether each pair shows one picture.

    Source: registration after Lucas & Kanade 1981, "An Iterative Image Registration Technique"
    """
    a, b = one.astype(np.float32), other.astype(np.float32)
    same: NDArray[np.bool_] = np.abs(a - b).mean(axis=(1, 2)) <= TINY_ERROR
    down, across = (window(crop.size, place, THUMB) for place in (crop.y, crop.x))
    part = (down @ a @ across.T).astype(np.float32, copy=False)
    close = _correlation(halved(part), halved(b)) >= _CLOSE
    rest = np.flatnonzero(~tiny & close)
    same &= tiny
    if not len(rest):
        return same
    a, b = a[rest], b[rest]
    rich = np.minimum(_richness(a), _richness(b)) >= RICH
    if rich.any():
        difference = _difference(_laid_over(a[rich], b[rich], crop), b[rich])
        same[rest[rich]] = (difference <= AGREES).mean(axis=1) >= AGREE
    if crop.size == 1.0:
        difference = _difference(a[~rich], b[~rich])
        same[rest[~rich]] = difference.max(axis=1) < DIFFERS
    return same


def window(size: float, place: float, side: int) -> Pixels:
    """Linear interpolation from a picture's side to a part of it, shape (side, side)."""
    return np.asarray(_rows(np.array([size]), np.array([place * side * (1 - size)]), side)[0])


def halved(pixels: Pixels) -> Pixels:
    """Means of 2 × 2 pixels; whole rows first, twenty times as fast as `mean` over two axes."""
    rows = pixels[:, ::2] + pixels[:, 1::2]
    return np.asarray((rows[..., ::2] + rows[..., 1::2]) / 4)


def _laid_over(a: Pixels, b: Pixels, crop: Crop) -> Pixels:
    """The part of `a` that fits `b` best, as bright as `b`."""
    pairs, side = len(a), THUMB // 2
    small, wanted = halved(a), halved(b)
    x, y = (np.full(pairs, place * side * (1 - crop.size)) for place in (crop.x, crop.y))
    width, height = np.full(pairs, crop.size), np.full(pairs, crop.size)
    centres = np.arange(side, dtype=np.float32) + 0.5
    gain, offset = np.ones(pairs), np.zeros(pairs)
    for _ in range(_STEPS):
        part = _rows(height, y, side) @ small @ _rows(width, x, side).swapaxes(1, 2)
        slope_y, slope_x = np.gradient(part, axis=(1, 2))
        lit = (wanted > 4) & (wanted < 251)  # what is burnt out tells nothing of the light
        slopes = np.stack(
            [slope_x, slope_x * centres, slope_y, slope_y * centres[:, None],
             part, np.ones_like(part)], axis=-1
        ) * lit[..., None]  # fmt: skip
        slopes = slopes.reshape(pairs, side * side, 6)
        square = slopes.swapaxes(1, 2) @ slopes + 1e-3 * np.eye(6)
        right = (slopes * wanted.reshape(pairs, side * side, 1)).sum(axis=1)
        found = np.linalg.solve(square.astype(np.float64), right[..., None])[..., 0]
        gain, offset = found[:, 4].clip(0.4, 2.5), found[:, 5]
        move = np.clip(found[:, :4] / gain[:, None], -1, 1)
        x, y = x + move[:, 0] * width, y + move[:, 2] * height
        width, height = width * (1 + move[:, 1]), height * (1 + move[:, 3])
    part = _rows(height, 2 * y, THUMB) @ a @ _rows(width, 2 * x, THUMB).swapaxes(1, 2)
    return np.asarray((part * gain[:, None, None] + offset[:, None, None]).clip(0, 255))


def _rows(size: NDArray[Any], start: NDArray[Any], side: int) -> Pixels:
    """Linear interpolation of `size` of a side from `start` on, shape (pairs, side, side)."""
    centres = (np.arange(side) + 0.5) * size[:, None] + start[:, None] - 0.5
    distance = np.abs(centres.clip(0, side - 1)[..., None] - np.arange(side))
    return np.asarray((1 - distance).clip(0), dtype=np.float32)


def _tiles(pixels: Pixels) -> Pixels:
    """_TILES × _TILES tiles, shape (pairs, tiles, pixels)."""
    side = pixels.shape[-1] // _TILES
    cut = pixels.reshape(-1, _TILES, side, _TILES, side).swapaxes(2, 3)
    return np.asarray(cut.reshape(-1, _TILES * _TILES, side * side))


def _richness(pixels: Pixels) -> NDArray[np.float32]:
    """Share of tiles that hold more than a slope."""
    tiles = _tiles(pixels)
    side = THUMB // _TILES
    places = np.arange(side) - (side - 1) / 2
    plane = np.stack([np.ones((side, side)), *np.meshgrid(places, places)]).reshape(3, -1)
    plane = (plane / np.linalg.norm(plane, axis=1, keepdims=True)).astype(np.float32)
    rest = tiles - (tiles @ plane.T) @ plane
    return np.asarray((rest.std(axis=2) >= DETAIL).mean(axis=1))


def _difference(a: Pixels, b: Pixels) -> NDArray[np.float32]:
    """Difference of each tile over what the tile itself holds, shape (pairs, tiles)."""
    one, other = _tiles(halved(a)), _tiles(halved(b))
    error = np.sqrt(((one - other) ** 2).mean(axis=2))
    own = np.minimum(one.std(axis=2), other.std(axis=2))
    return np.asarray(error / np.hypot(own, NOISE))


def _correlation(a: Pixels, b: Pixels) -> NDArray[np.float32]:
    a = a - a.mean(axis=(1, 2), keepdims=True)
    b = b - b.mean(axis=(1, 2), keepdims=True)
    norm = np.sqrt((a * a).sum(axis=(1, 2)) * (b * b).sum(axis=(1, 2)))
    return np.asarray((a * b).sum(axis=(1, 2)) / np.maximum(norm, 1e-6), dtype=np.float32)
