"""Blur: defocus, glass, motion, zoom, Gaussian."""

import functools

import numpy as np
from numpy.typing import NDArray

from vitforge.evaluation.corruptions.corruption import Corruption, Draws, Pixels, length_scale
from vitforge.evaluation.corruptions.filters import (
    apply_sparse,
    clipped_zoom,
    convolve,
    disk,
    scale_kernel,
    smooth,
    streak,
)

_GLASS_SEED = 0
"""All images share one shuffle, as they share one pane of glass."""


def defocus_blur(pixels: Pixels, how: tuple[float, float], draws: Draws) -> Pixels:
    """Lens out of focus: (radius of the disk, blur of its edge), pixels at 224."""
    return convolve(pixels, scale_kernel(disk(*how), length_scale(pixels)))


def glass_blur(pixels: Pixels, how: tuple[float, int, int], draws: Draws) -> Pixels:
    """Frosted glass: (sigma before and after, reach of the shuffle, rounds), pixels at 224."""
    sigma, reach, rounds = how
    scale = length_scale(pixels)
    height, width = pixels.shape[-2:]
    seen = np.floor(smooth(pixels, sigma * scale) * 255) / 255
    source = _shuffle(height, width, max(1, round(reach * scale)), rounds)
    shuffled = seen.reshape(*seen.shape[:2], -1)[..., source].reshape(seen.shape)
    return smooth(shuffled.astype(np.float32), sigma * scale)


@functools.lru_cache(maxsize=16)
def _shuffle(
    height: int, width: int, reach: int, rounds: int, seed: int = _GLASS_SEED
) -> NDArray[np.int64]:
    """Where each pixel comes from: which moves are made does not depend on the pixels.

    The published loop means to swap two pixels, but both sides are views of one array, so that
    the far pixel is copied over the near one; the benchmark's images were made that way.
    """
    rng = np.random.default_rng(seed)
    steps = rng.integers(-reach, reach, (rounds, height, width, 2))
    moves = (steps[..., 0] + steps[..., 1] * width).reshape(rounds, -1).tolist()
    source = list(range(height * width))
    for move in moves:
        for row in range(height - reach, reach, -1):
            start = row * width
            for here in range(start + width - reach, start + reach, -1):
                source[here] = source[here + move[here]]
    return np.array(source)


def motion_blur(pixels: Pixels, how: tuple[int, float], draws: Draws) -> Pixels:
    """Moving camera: (radius, sigma), pixels at 224; the direction is drawn, -45 to 45 degrees."""
    scale = length_scale(pixels)
    blurred = [
        apply_sparse(x, scale_kernel(streak(*how, angle=rng.uniform(-45, 45)), scale))
        for x, rng in zip(pixels, draws, strict=True)
    ]
    return np.stack(blurred)


def zoom_blur(pixels: Pixels, how: tuple[float, float], draws: Draws) -> Pixels:
    """Zoom during the exposure: (where it stops, step)."""
    factors = np.arange(1, *how)
    total = pixels.copy()
    for factor in factors:
        total += clipped_zoom(pixels, float(factor))
    return total / np.float32(len(factors) + 1)


def gaussian_blur(pixels: Pixels, sigma: float, draws: Draws) -> Pixels:
    """Gaussian of standard deviation `sigma`, pixels at 224."""
    return smooth(pixels, sigma * length_scale(pixels))


BLUR = (
    Corruption(
        "defocus_blur", "blur", defocus_blur, ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))
    ),
    Corruption(
        "glass_blur",
        "blur",
        glass_blur,
        ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        True,
    ),
    Corruption(
        "motion_blur", "blur", motion_blur, ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)), True
    ),
    Corruption(
        "zoom_blur",
        "blur",
        zoom_blur,
        ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
    ),
    Corruption("gaussian_blur", "blur", gaussian_blur, (1, 2, 3, 4, 6), set="extra"),
)
