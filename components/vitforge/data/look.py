"""One look at one image file: does it decode, and what can be said of it cheaply."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitforge.preprocessing import open_image, to_rgb, upright

THUMB = 64
"""Side of the grey thumbnail, pixels."""
_ENOUGH = 64
"""A JPEG may be decoded at a fraction of its size while both sides keep this many pixels."""
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Look:
    """What one image file is.

    Args:
        digest: SHA-256 of the file's bytes, hex.
        width: Pixels, upright.
        height: Pixels, upright.
        kind: Format and colour space, such as `JPEG RGB`.
        brightness: Mean luminance, [0, 255].
        contrast: Standard deviation of luminance, [0, 128].
        sharpness: Variance of the Laplacian of luminance over that of luminance, 0 or more.
        pixels: Pixels that `sums` and `squares` are over; 0 where they were not taken.
        sums: Sum of R, G, B over the pixels, each in [0, 255].
        squares: Sum of their squares.
    """

    digest: str
    width: int
    height: int
    kind: str
    brightness: float
    contrast: float
    sharpness: float
    pixels: int
    sums: tuple[float, ...]
    squares: tuple[float, ...]


def look_at(content: bytes, max_pixels: int, exact_share: float) -> tuple[Look, bytes]:
    """Decode an image and measure it.

    Of a JPEG only the luminance is decoded, at the fraction of its size that the thumbnail needs
    (all of its data is still read, so a file cut short is found), but for a share of images drawn
    by content, whose pixels are summed up exactly.

    Args:
        content: The file.
        max_pixels: Largest image that is decoded, pixels.
        exact_share: Share of images that are summed up, [0, 1].

    Returns:
        What it is, and its thumbnail: THUMB × THUMB bytes of luminance.

    Raises:
        VitforgeError: if the bytes are no image.
    """
    digest = hashlib.sha256(content).hexdigest()
    exact = int(digest[:8], 16) < exact_share * 2**32
    with open_image(content, max_pixels) as image:
        kind = f"{image.format} {image.mode}"
        width, height = image.size
        if image.getexif().get(_ORIENTATION, 1) >= 5:
            width, height = height, width
        if not exact:
            image.draft("L", (_ENOUGH, _ENOUGH))
        plain = image.mode == "L" and "transparency" not in image.info
        image = upright(image) if plain and not exact else to_rgb(image)
    sums, squares = _sums(image) if exact else ((), ())
    pixels = width * height if exact else 0
    # Measured at 64 to 128 pixels a side, so that the size of the file matters little.
    factor = min(image.size) // _ENOUGH
    grey = (image.reduce(factor) if factor > 1 else image).convert("L")
    luminance = np.asarray(grey, dtype=np.float32)
    brightness = float(luminance.mean())
    contrast = _deviation(luminance, brightness)
    look = Look(
        digest,
        width,
        height,
        kind,
        brightness,
        contrast,
        _sharpness(luminance, contrast),
        pixels,
        sums,
        squares,
    )
    return look, grey.resize((THUMB, THUMB), Image.Resampling.BILINEAR).tobytes()


def _sums(image: Image.Image) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Sums of R, G, B and of their squares, exact; by histogram, ten times as fast as ImageStat."""
    counts = np.array(image.histogram(), dtype=np.int64).reshape(3, 256)
    values = np.arange(256)
    return tuple(map(float, counts @ values)), tuple(map(float, counts @ values**2))


def _sharpness(small: NDArray[np.float32], contrast: float) -> float:
    if min(small.shape) < 3 or contrast < 1:
        return 0.0
    edges = (
        4 * small[1:-1, 1:-1] - small[:-2, 1:-1] - small[2:, 1:-1] - small[1:-1, :-2]
        - small[1:-1, 2:]
    )  # fmt: skip
    return _deviation(edges, float(edges.mean())) ** 2 / contrast**2


def _deviation(values: NDArray[np.float32], mean: float) -> float:
    """Standard deviation, by one product: `std` goes over the values three times."""
    apart = (values - mean).ravel()
    return math.sqrt(float(apart @ apart) / apart.size)
