"""Noise: Gaussian, shot, impulse, speckle."""

import numpy as np
from numpy.typing import NDArray

from vitforge.evaluation.corruptions.corruption import Corruption, Draws, Pixels


def gaussian_noise(pixels: Pixels, sigma: float, draws: Draws) -> Pixels:
    """Add normal noise of standard deviation `sigma`, on the [0, 1] scale."""
    return pixels + np.float32(sigma) * _normal(pixels, draws)


def shot_noise(pixels: Pixels, photons: float, draws: Draws) -> Pixels:
    """Count photons: each channel of a pixel is Poisson with mean `photons` at full brightness."""
    counts = [rng.poisson(x * photons) for x, rng in zip(pixels, draws, strict=True)]
    return (np.stack(counts) / photons).astype(np.float32)


def impulse_noise(pixels: Pixels, share: float, draws: Draws) -> Pixels:
    """Turn a share of all values black or white, half each."""
    out = pixels.copy()
    for x, rng in zip(out, draws, strict=True):
        u = rng.random(x.shape, dtype=np.float32)
        x[u < share / 2] = 0.0
        x[u > 1 - share / 2] = 1.0
    return out


def speckle_noise(pixels: Pixels, sigma: float, draws: Draws) -> Pixels:
    """Multiply by 1 plus normal noise of standard deviation `sigma`."""
    return pixels + pixels * np.float32(sigma) * _normal(pixels, draws)


def _normal(pixels: Pixels, draws: Draws) -> NDArray[np.float32]:
    return np.stack([rng.standard_normal(pixels.shape[1:], dtype=np.float32) for rng in draws])


NOISE = (
    Corruption("gaussian_noise", "noise", gaussian_noise, (0.08, 0.12, 0.18, 0.26, 0.38), True),
    Corruption("shot_noise", "noise", shot_noise, (60, 25, 12, 5, 3), True),
    Corruption("impulse_noise", "noise", impulse_noise, (0.03, 0.06, 0.09, 0.17, 0.27), True),
    Corruption(
        "speckle_noise", "noise", speckle_noise, (0.15, 0.2, 0.35, 0.45, 0.6), True, "extra"
    ),
)
