"""Linear filters that several corruptions share, on arrays whose last axes are height and width."""

import functools
import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Border = Literal["nearest", "reflect"]


def smooth(x: Array, sigma: float, border: Border = "nearest", truncate: float = 4.0) -> Array:
    """Gaussian blur as two matrix products: exact for every sigma and border, any batch at once.

    Args:
        x: Shape (..., H, W).
        sigma: Standard deviation, pixels; 0 changes nothing.
        border: What lies outside: the edge pixel again, or the picture mirrored at its edge.
        truncate: Radius of the kernel, in sigmas.
    """
    rows = _gaussian_matrix(x.shape[-2], sigma, border, truncate)
    columns = _gaussian_matrix(x.shape[-1], sigma, border, truncate)
    return np.asarray(rows @ x @ columns.T)


@functools.lru_cache(maxsize=64)
def _gaussian_matrix(n: int, sigma: float, border: Border, truncate: float) -> Array:
    from scipy import ndimage

    eye = np.eye(n)
    if sigma == 0:
        return eye.astype(np.float32)
    filtered = ndimage.gaussian_filter1d(eye, sigma, axis=0, mode=border, truncate=truncate)
    return np.asarray(filtered, dtype=np.float32)


def convolve(x: Array, kernel: NDArray[np.floating[Any]]) -> Array:
    """Convolve with a dense kernel, the picture mirrored about its edge pixels.

    Args:
        x: Shape (..., H, W).
        kernel: Odd sides.
    """
    from scipy import fft

    rows, columns = (side // 2 for side in kernel.shape)
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(rows, rows), (columns, columns)], "reflect")
    shape = [fft.next_fast_len(side, real=True) for side in padded.shape[-2:]]
    spectrum = fft.rfft2(padded, shape) * fft.rfft2(kernel.astype(np.float32), shape)
    found = fft.irfft2(spectrum, shape)
    height, width = x.shape[-2:]
    return np.asarray(
        found[..., 2 * rows : 2 * rows + height, 2 * columns : 2 * columns + width], np.float32
    )


def scale_kernel(kernel: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """A kernel drawn for 224 pixels, for pictures of another size; at scale 1 the kernel itself.

    Each weight moves with its place; what falls between pixels is shared among the four around.
    Above scale 1 a weight is first spread over the pixels it has to fill.
    """
    parts = max(1, math.ceil(scale))
    offsets = (np.arange(parts) + 0.5) / parts - 0.5
    half = [(side - 1) // 2 for side in kernel.shape]
    out_half = [math.ceil((h + 0.5) * scale) for h in half]
    axes = [
        _spread((np.arange(-h, h + 1)[:, None] + offsets).ravel() * scale, o)
        for h, o in zip(half, out_half, strict=True)
    ]
    fine = np.repeat(np.repeat(kernel, parts, 0), parts, 1) / parts**2
    return np.asarray(axes[0].T @ fine @ axes[1])


def _spread(places: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Linear interpolation weights of each place on the grid -half to half."""
    grid = np.arange(-half, half + 1)
    return np.asarray(np.clip(1 - np.abs(places[:, None] - grid), 0, None))


def disk(radius: float, alias_blur: float) -> NDArray[np.float64]:
    """ImageNet-C's disk: 17 pixels wide, or as wide as it must be; slightly blurred."""
    from scipy import ndimage

    half, taps = (8, 1) if radius <= 8 else (int(radius), 2)
    grid = np.arange(-half, half + 1)
    inside = (grid[:, None] ** 2 + grid**2 <= radius**2).astype(np.float64)
    inside /= inside.sum()
    weights = np.exp(-(np.arange(-taps, taps + 1) ** 2) / (2 * alias_blur**2))
    for axis in (0, 1):
        inside = ndimage.correlate1d(inside, weights / weights.sum(), axis=axis, mode="mirror")
    return np.asarray(inside)


def streak(radius: int, sigma: float, angle: float) -> NDArray[np.float64]:
    """Motion blur's kernel: half a Gaussian along a line from the centre, as ImageMagick draws it.

    Args:
        radius: Half the number of weights, pixels.
        sigma: Standard deviation along the line, pixels.
        angle: Direction, degrees.
    """
    width = 2 * radius + 1
    along = np.arange(width)
    weights = np.exp(-(along**2) / (2 * sigma**2))
    direction = math.radians(angle)
    rows = np.ceil(along * math.sin(direction) - 0.5).astype(np.int64)
    columns = np.ceil(along * math.cos(direction) - 0.5).astype(np.int64)
    kernel = np.zeros((2 * width - 1, 2 * width - 1))
    np.add.at(kernel, (rows + width - 1, columns + width - 1), weights / weights.sum())
    return kernel


def apply_sparse(x: Array, kernel: NDArray[np.float64]) -> Array:
    """Correlate with a kernel of few weights, the edge pixels repeated outside.

    Args:
        x: Shape (..., H, W).
        kernel: Odd sides.
    """
    rows, columns = np.nonzero(kernel)
    half = [side // 2 for side in kernel.shape]
    reach = int(max(np.abs(rows - half[0]).max(), np.abs(columns - half[1]).max()))
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(reach, reach)] * 2, "edge")
    height, width = x.shape[-2:]
    out = np.zeros_like(x)
    for row, column in zip(rows, columns, strict=True):
        top, left = row - half[0] + reach, column - half[1] + reach
        out += (
            np.float32(kernel[row, column]) * padded[..., top : top + height, left : left + width]
        )
    return out


def clipped_zoom(x: Array, factor: float) -> Array:
    """The middle of the picture, enlarged to its old size by linear interpolation.

    Args:
        x: Shape (N, C, H, W).
        factor: 1 or more.
    """
    import torch

    height, width = x.shape[-2:]
    crop = [math.ceil(side / factor) for side in (height, width)]
    top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
    middle = torch.from_numpy(x)[..., top : top + crop[0], left : left + crop[1]]
    size = [round(side * factor) for side in crop]
    large = torch.nn.functional.interpolate(middle, size, mode="bilinear", align_corners=True)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return np.asarray(large[..., top : top + height, left : left + width].numpy())
