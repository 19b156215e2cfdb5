"""Colour operations on bytes; Pillow's results, to the level named in each test.

An image is uint8 RGB, shape (H, W, 3); a value is one number, on the operation's own scale.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Table = NDArray[Any]
"""What each of the 256 levels becomes."""
_LEVELS = np.arange(256, dtype=np.float32)
_CUT = -0.499
"""Added before OpenCV rounds, so that it cuts off as Pillow does."""


def brightness(image: Image, factor: float) -> Image:
    """0 is black, 1 the image itself."""
    return _look_up(image, _blend(0.0, factor))


def contrast(image: Image, factor: float) -> Image:
    """0 is the mean grey, 1 the image itself."""
    grey = round(cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0])
    return _look_up(image, _blend(float(grey), factor))


def saturation(image: Image, factor: float) -> Image:
    """0 is grey (ITU-R 601), 1 the image itself."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return _image(cv2.addWeighted(image, factor, grey, 1 - factor, _CUT))


def sharpness(image: Image, factor: float) -> Image:
    """0 is smoothed, 1 the image itself; the outermost pixels stay."""
    # Pillow's smooth is 9/13 of the mean of 3×3 pixels and 4/13 of the pixel itself.
    box = cv2.blur(image, (3, 3))
    share = (1 - factor) * 9 / 13
    out = _image(cv2.addWeighted(image, 1 - share, box, share, _CUT))
    out[0], out[-1], out[:, 0], out[:, -1] = image[0], image[-1], image[:, 0], image[:, -1]
    return out


def solarize(image: Image, threshold: float) -> Image:
    """Invert what is at or above the threshold, [0, 1]."""
    return _look_up(image, np.where(threshold * 255 <= _LEVELS, 255 - _LEVELS, _LEVELS))


def solarize_add(image: Image, more: float) -> Image:
    """Brighten what is darker than the middle by a share of the range, [0, 1]."""
    return _look_up(image, np.where(_LEVELS < 128, _LEVELS + int(more * 255), _LEVELS))


def posterize(image: Image, bits: float) -> Image:
    """Keep the highest bits of eight, 1 to 8; fewer would blacken the image."""
    step = 2 ** (8 - min(8, max(1, round(bits))))
    return _look_up(image, _LEVELS // step * step)


def invert(image: Image, _: float) -> Image:
    """Negative."""
    return _image(cv2.bitwise_not(image))


def autocontrast(image: Image, _: float) -> Image:
    """Stretch each channel to the whole range; a flat channel stays."""
    return _by_channel(image, _stretched)


def equalize(image: Image, _: float) -> Image:
    """Even out each channel's histogram."""
    return _by_channel(image, _evened)


def _stretched(plane: Image) -> Table:
    low, high, _, _ = cv2.minMaxLoc(plane)
    return (_LEVELS - low) * (255 / (high - low)) if high > low else _LEVELS


def _evened(plane: Image) -> Table:
    counts = cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    # Pillow: the step leaves out the last occupied level's count.
    step = (counts.sum() - counts[np.flatnonzero(counts)[-1]]) // 255
    table: Table = (counts.cumsum() - counts + step // 2) // step if step else _LEVELS
    return table


def _blend(base: float, factor: float) -> Table:
    table: Table = base + factor * (_LEVELS - base)
    return table


def _look_up(image: Image, table: Table) -> Image:
    return _image(cv2.LUT(image, table.clip(0, 255).astype(np.uint8)))


def _by_channel(image: Image, tabled: Callable[[Image], Table]) -> Image:
    planes = [_image(plane) for plane in cv2.split(image)]
    return _image(cv2.merge([_look_up(plane, tabled(plane)) for plane in planes]))


def _image(pixels: object) -> Image:
    # OpenCV's own annotations leave the element type open.
    return np.asarray(pixels, dtype=np.uint8)
