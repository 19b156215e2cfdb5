"""Other lighting, another angle, something in the way, a worse camera.

Not ImageNet-C's: these are what the source document names. Severities are shares or stops, so
that they mean the same at every size.
"""

import math

import numpy as np
from PIL import Image

from vitforge.evaluation.corruptions.corruption import Corruption, Draws, Pixels
from vitforge.evaluation.corruptions.digital import sample, through_pillow

_GAMMA = 2.2
"""Pixels are about light to the power 1 / 2.2."""


def exposure(pixels: Pixels, stops: float, draws: Draws) -> Pixels:
    """Multiply the light by 2 to the `stops`."""
    return np.asarray(pixels * np.float32(2 ** (stops / _GAMMA)), np.float32)


def colour_cast(pixels: Pixels, stops: float, draws: Draws) -> Pixels:
    """Another lamp: red and blue change by `stops` against each other; which way is drawn."""
    signs = np.array([rng.choice([-1, 1]) for rng in draws])
    change = signs[:, None] * np.array([0.5, 0, -0.5]) * stops
    return np.asarray(pixels * (2 ** (change / _GAMMA))[:, :, None, None], np.float32)


def rotation(pixels: Pixels, degrees: float, draws: Draws) -> Pixels:
    """Turn the camera by that angle, left or right; what comes into view is mirrored."""
    height, width = pixels.shape[-2:]
    rows, columns = (
        np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    )
    angles = [math.radians(degrees) * rng.choice([-1, 1]) for rng in draws]
    read_rows = [rows * math.cos(a) - columns * math.sin(a) for a in angles]
    read_columns = [rows * math.sin(a) + columns * math.cos(a) for a in angles]
    return sample(
        pixels, np.stack(read_rows) + (height - 1) / 2, np.stack(read_columns) + (width - 1) / 2
    )


def occlusion(pixels: Pixels, share: float, draws: Draws) -> Pixels:
    """Cover a square of that share of the picture, somewhere, with mid grey."""
    height, width = pixels.shape[-2:]
    out = pixels.copy()
    rows, columns = (max(1, round(side * math.sqrt(share))) for side in (height, width))
    for x, rng in zip(out, draws, strict=True):
        top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
        x[:, top : top + rows, left : left + columns] = 0.5
    return out


def low_resolution(pixels: Pixels, factor: float, draws: Draws) -> Pixels:
    """A sensor with `factor` times fewer pixels a side, enlarged smoothly."""
    height, width = pixels.shape[-2:]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))

    def resample(image: Image.Image) -> Image.Image:
        box, bilinear = Image.Resampling.BOX, Image.Resampling.BILINEAR
        return image.resize(small, box).resize((width, height), bilinear)

    return through_pillow(pixels, resample)


CONDITIONS = (
    Corruption("underexposure", "conditions", exposure, (-0.5, -1, -1.5, -2, -3), set="conditions"),
    Corruption("overexposure", "conditions", exposure, (0.5, 1, 1.5, 2, 3), set="conditions"),
    Corruption(
        "colour_cast", "conditions", colour_cast, (0.5, 1, 1.5, 2, 3), True, set="conditions"
    ),
    Corruption("rotation", "conditions", rotation, (5, 10, 15, 20, 30), True, set="conditions"),
    Corruption(
        "occlusion", "conditions", occlusion, (0.05, 0.1, 0.2, 0.3, 0.4), True, set="conditions"
    ),
    Corruption("low_resolution", "conditions", low_resolution, (1.5, 2, 3, 4, 6), set="conditions"),
)
