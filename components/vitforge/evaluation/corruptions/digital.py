"""Digital faults: contrast, elastic, pixelate, JPEG, saturate."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitforge.evaluation.corruptions.corruption import Corruption, Draws, Pixels
from vitforge.evaluation.corruptions.filters import smooth


def contrast(pixels: Pixels, share: float, draws: Draws) -> Pixels:
    """Keep a share of the distance from each channel's mean."""
    means = pixels.mean(axis=(2, 3), keepdims=True)
    return np.asarray((pixels - means) * np.float32(share) + means, np.float32)


def saturate(pixels: Pixels, how: tuple[float, float], draws: Draws) -> Pixels:
    """Scale and shift HSV's saturation: (factor, shift). A grey pixel's hue counts as red."""
    value = pixels.max(axis=1, keepdims=True)
    distance = value - pixels
    saturation = (value - pixels.min(axis=1, keepdims=True)) / np.where(value > 0, value, 1)
    wanted = np.clip(saturation * np.float32(how[0]) + np.float32(how[1]), 0, 1)
    red = value * np.array([0, 1, 1], dtype=np.float32)[:, None, None]
    grey = saturation == 0
    unit = np.where(grey, red, distance / np.where(grey, 1, saturation))
    return np.asarray(value - unit * wanted, np.float32)


def jpeg_compression(pixels: Pixels, quality: int, draws: Draws) -> Pixels:
    """Save as JPEG of that quality, and open again."""

    def recompress(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer)

    return through_pillow(pixels, recompress)


def pixelate(pixels: Pixels, share: float, draws: Draws) -> Pixels:
    """Shrink both sides to that share, and enlarge to blocks."""
    height, width = pixels.shape[-2:]
    small = (max(1, int(width * share)), max(1, int(height * share)))

    def block(image: Image.Image) -> Image.Image:
        box = Image.Resampling.BOX
        return image.resize(small, box).resize((width, height), box)

    return through_pillow(pixels, block)


def through_pillow(pixels: Pixels, change: Callable[[Image.Image], Image.Image]) -> Pixels:
    """Change each image as 8-bit Pillow image."""
    images = np.rint(pixels.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
    changed = np.stack([np.asarray(change(Image.fromarray(image))) for image in images])
    return np.asarray(changed.transpose(0, 3, 1, 2) / 255, np.float32)


def elastic_transform(pixels: Pixels, how: tuple[float, float, float], draws: Draws) -> Pixels:
    """Stretch locally: (displacement, its smoothness, jitter of the frame), shares of the side."""
    height, width = pixels.shape[-2:]
    side = min(height, width)
    amount, sigma, jitter = (share * side for share in how)
    frames = [_jittered_frame(height, width, jitter, rng) for rng in draws]
    warped = sample(pixels, np.stack([f[0] for f in frames]), np.stack([f[1] for f in frames]))
    shape = (len(pixels), 2, height, width)
    noise = np.stack([rng.uniform(-1, 1, shape[1:]) for rng in draws]).astype(np.float32)
    shift = smooth(noise, sigma, "reflect", truncate=3.0) * np.float32(amount)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return sample(warped, rows + shift[:, 0], columns + shift[:, 1])


def _jittered_frame(
    height: int, width: int, jitter: float, rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows and columns to read from, when three points of a square move at random."""
    centre = np.array([width // 2, height // 2], dtype=np.float64)
    reach = min(height, width) // 3
    square = centre + reach * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = square + rng.uniform(-jitter, jitter, square.shape)
    # The affine map from moved points to the square: solve [x y 1] A = [x' y'].
    affine = np.linalg.solve(np.column_stack([moved, np.ones(3)]), square)
    rows, columns = np.mgrid[:height, :width]
    read = columns[..., None] * affine[0] + rows[..., None] * affine[1] + affine[2]
    return read[..., 1], read[..., 0]


def sample(pixels: Pixels, rows_NHW: NDArray[Any], columns_NHW: NDArray[Any]) -> Pixels:
    """Read pixels at fractional places by linear interpolation, mirrored at the edges."""
    import torch

    height, width = pixels.shape[-2:]
    places = np.stack(
        [(2 * columns_NHW + 1) / width - 1, (2 * rows_NHW + 1) / height - 1], axis=-1
    ).astype(np.float32)
    read = torch.nn.functional.grid_sample(
        torch.from_numpy(np.ascontiguousarray(pixels)),
        torch.from_numpy(places),
        padding_mode="reflection",
        align_corners=False,
    )
    return np.asarray(read.numpy())


_SIDE = 244 / 224
"""The published code measures in 244ths of a picture of 224 pixels."""
DIGITAL = (
    Corruption("contrast", "digital", contrast, (0.4, 0.3, 0.2, 0.1, 0.05)),
    Corruption(
        "elastic_transform",
        "digital",
        elastic_transform,
        (
            (2 * _SIDE, 0.7 * _SIDE, 0.1 * _SIDE),
            (2 * _SIDE, 0.08 * _SIDE, 0.2 * _SIDE),
            (0.05 * _SIDE, 0.01 * _SIDE, 0.02 * _SIDE),
            (0.07 * _SIDE, 0.01 * _SIDE, 0.02 * _SIDE),
            (0.12 * _SIDE, 0.01 * _SIDE, 0.02 * _SIDE),
        ),
        True,
    ),
    Corruption("pixelate", "digital", pixelate, (0.6, 0.5, 0.4, 0.3, 0.25)),
    Corruption("jpeg_compression", "digital", jpeg_compression, (25, 18, 15, 10, 7)),
    Corruption(
        "saturate",
        "digital",
        saturate,
        ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
        set="extra",
    ),
)
