"""Weather: snow, frost, fog, brightness."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitforge.evaluation.corruptions.corruption import Corruption, Draws, Pixels, length_scale
from vitforge.evaluation.corruptions.filters import apply_sparse, clipped_zoom, scale_kernel, streak

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of R, G, B in brightness (ITU-R BT.601)."""


@dataclass(frozen=True)
class Snow:
    """Parameters of snow, in the order of the published tuple."""

    mean: float
    sigma: float
    flake: float
    """Enlargement of the noise that flakes are made of, at 224."""
    threshold: float
    radius: int
    """Of the fall's streak, pixels at 224."""
    streak_sigma: float
    keep: float
    """Share of the picture's own colour; the rest is whitened."""


def snow(pixels: Pixels, how: Snow, draws: Draws) -> Pixels:
    """Flakes that fall at a drawn angle, and a whitened picture."""
    scale = length_scale(pixels)
    height, width = pixels.shape[-2:]
    grey = np.tensordot(pixels, LUMA, (1, 0))[:, None]
    keep = np.float32(how.keep)
    out = keep * pixels + (1 - keep) * np.maximum(pixels, grey * 1.5 + 0.5)
    for x, rng in zip(out, draws, strict=True):
        noise = rng.normal(how.mean, how.sigma, (1, 1, height, width)).astype(np.float32)
        flakes = clipped_zoom(noise, max(1.0, how.flake * scale))[0, 0]
        flakes = np.where(flakes < how.threshold, 0, flakes.clip(0, 1))
        kernel = streak(how.radius, how.streak_sigma, angle=rng.uniform(-135, -45))
        flakes = apply_sparse(flakes, scale_kernel(kernel, scale))
        x += flakes + flakes[::-1, ::-1]
    return np.asarray(out, np.float32)


FROST = (
    ((77.7, 149.1, 165.7), 19.0),
    ((200.8, 205.4, 214.5), 22.0),
    ((200.8, 205.4, 214.5), 22.0),
    ((137.6, 152.8, 165.2), 29.0),
    ((112.4, 123.4, 134.8), 43.0),
)
"""Mean of R, G, B and standard deviation, 0 to 255, of the five photographs that ImageNet-C draws
from. The photographs state no licence, so frost is made here: noise of their spectrum and moments.
"""
FROST_SPECTRUM = -2.1
"""Slope of the power spectrum in log frequency, for the photographs' steps between neighbours."""


def frost(pixels: Pixels, how: tuple[float, float], draws: Draws) -> Pixels:
    """Ice on the lens: (share of the picture, share of the ice)."""
    out = np.float32(how[0]) * pixels
    for x, rng in zip(out, draws, strict=True):
        mean, deviation = FROST[rng.integers(len(FROST))]
        ice = np.float32(deviation) * _coloured_noise(x.shape[-2:], FROST_SPECTRUM, rng)
        layer = np.array(mean, dtype=np.float32)[:, None, None] + ice
        x += np.float32(how[1] / 255) * layer.clip(0, 255)
    return out


def _coloured_noise(
    shape: tuple[int, ...], slope: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise of mean 0 and variance 1 whose power falls as frequency to the `slope`."""
    white = np.fft.rfft2(rng.standard_normal(shape))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(white * frequency ** (slope / 2), shape)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def fog(pixels: Pixels, how: tuple[float, float], draws: Draws) -> Pixels:
    """Add a cloud: (how thick, how fast its detail fades)."""
    height, width = pixels.shape[-2:]
    side = 1 << (max(height, width) - 1).bit_length()
    thick, decay = how
    clouds = np.stack([_plasma(side, decay, rng)[:height, :width] for rng in draws])[:, None]
    brightest = pixels.max(axis=(1, 2, 3), keepdims=True)
    return np.asarray((pixels + thick * clouds) * (brightest / (brightest + thick)), np.float32)


def _plasma(side: int, decay: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Diamond-square height map, [0, 1], on a grid that wraps around; `side` is a power of 2."""
    heights = np.zeros((side, side))
    step, wobble = side, 1.0

    def fill(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return sums / 4 + wobble * rng.uniform(-1, 1, sums.shape)

    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        pairs = corners + np.roll(corners, -1, 0)
        heights[half::step, half::step] = fill(pairs + np.roll(pairs, -1, 1))
        middles = heights[half::step, half::step]
        across = corners + np.roll(corners, -1, 1)
        down = corners + np.roll(corners, -1, 0)
        heights[::step, half::step] = fill(middles + np.roll(middles, 1, 0) + across)
        heights[half::step, ::step] = fill(middles + np.roll(middles, 1, 1) + down)
        step = half
        wobble /= decay**2
    heights -= heights.min()
    return np.asarray(heights / heights.max())


def brightness(pixels: Pixels, more: float, draws: Draws) -> Pixels:
    """Raise HSV's value. With hue and saturation kept, that scales a pixel; black becomes grey."""
    value = pixels.max(axis=1, keepdims=True)
    raised = np.minimum(value + np.float32(more), 1)
    scaled = pixels * (raised / np.where(value > 0, value, 1))
    return np.asarray(np.where(value > 0, scaled, raised), np.float32)


WEATHER = (
    Corruption(
        "snow",
        "weather",
        snow,
        (
            Snow(0.1, 0.3, 3, 0.5, 10, 4, 0.8),
            Snow(0.2, 0.3, 2, 0.5, 12, 4, 0.7),
            Snow(0.55, 0.3, 4, 0.9, 12, 8, 0.7),
            Snow(0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            Snow(0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
        True,
    ),
    Corruption(
        "frost",
        "weather",
        frost,
        ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
        True,
    ),
    Corruption("fog", "weather", fog, ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)), True),
    Corruption("brightness", "weather", brightness, (0.1, 0.2, 0.3, 0.4, 0.5)),
)
