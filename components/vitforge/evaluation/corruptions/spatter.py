"""Spatter: drops of water or mud on the lens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitforge.evaluation.corruptions.corruption import Corruption, Draws, Pixels, length_scale
from vitforge.evaluation.corruptions.filters import smooth

WATER = np.array([175, 238, 238], dtype=np.float32)[:, None, None] / 255
MUD = np.array([63, 42, 20], dtype=np.float32)[:, None, None] / 255
_EDGES = (50.0, 150.0)
"""Thresholds of Canny's edges, on 8-bit gradients."""
_EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], dtype=np.float64)


@dataclass(frozen=True)
class Spatter:
    """Parameters of spatter, in the order of the published tuple."""

    mean: float
    sigma: float
    drop: float
    """Blur of the noise that drops are made of, pixels at 224."""
    threshold: float
    strength: float
    """Of water; of mud, the blur of its edge, pixels at 224."""
    mud: bool


def spatter(pixels: Pixels, how: Spatter, draws: Draws) -> Pixels:
    """Drops where smoothed noise is over a threshold: water is added, mud covers."""
    scale = length_scale(pixels)
    out = pixels.copy()
    for x, rng in zip(out, draws, strict=True):
        noise = rng.normal(how.mean, how.sigma, x.shape[1:]).astype(np.float32)
        # At full size drops are blurred by `drop`; what blur leaves of the noise's spread must
        # not grow at smaller sizes, or the whole picture would be one drop.
        liquid = how.mean + _shrink(smooth(noise, how.drop * scale) - how.mean, how, scale)
        liquid = np.where(liquid < how.threshold, 0, liquid)
        if how.mud:
            cover = smooth((liquid > how.threshold).astype(np.float32), how.strength * scale)
            cover[cover < 0.8] = 0
            x[:] = x * (1 - cover) + MUD * cover
        else:
            x += WATER * _shine(liquid) * np.float32(how.strength)
    return out


def _shrink(noise: NDArray[np.float32], how: Spatter, scale: float) -> NDArray[np.float32]:
    """White noise of deviation s, blurred by a Gaussian g, has deviation s / (2 √π g)."""
    if scale >= 1:
        return noise
    wanted = how.sigma / (2 * np.sqrt(np.pi) * how.drop)
    return noise * np.float32(min(1.0, wanted / max(float(noise.std()), 1e-9)))


def _shine(liquid: NDArray[np.floating]) -> NDArray[np.float32]:
    """How a drop catches the light, [0, 1]: its thickness by an embossed distance to its edge."""
    from scipy import ndimage

    thick = np.clip(liquid * 255, 0, 255).astype(np.uint8)
    edges = _canny(thick)
    if not edges.any():
        return np.zeros(liquid.shape, dtype=np.float32)
    distance = np.minimum(ndimage.distance_transform_edt(~edges), 20)
    levels = np.rint(ndimage.uniform_filter(distance, 3, mode="mirror")).astype(np.uint8)
    embossed = ndimage.correlate(_equalised(levels).astype(np.float64), _EMBOSS, mode="mirror")
    relief = np.rint(ndimage.uniform_filter(embossed.clip(0, 255), 3, mode="mirror"))
    lit = thick * relief
    return np.asarray(lit / max(lit.max(), 1), dtype=np.float32)


def _canny(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Edges one pixel wide: Sobel, ridges across the gradient, weak ones if joined to a strong.

    Source: Canny 1986, https://doi.org/10.1109/TPAMI.1986.4767851
    """
    from scipy import ndimage

    image = grey.astype(np.float64)
    dx, dy = (ndimage.sobel(image, axis=axis, mode="nearest") for axis in (1, 0))
    size = np.pad(np.abs(dx) + np.abs(dy), 1)
    height, width = grey.shape

    def towards(rows: int, columns: int) -> NDArray[np.float64]:
        return size[1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    here = towards(0, 0)
    steep, flat = (
        np.abs(dy) > np.tan(np.pi * 3 / 8) * np.abs(dx),
        np.abs(dy) < np.tan(np.pi / 8) * np.abs(dx),
    )
    falling = dx * dy < 0
    before = np.select(
        [flat, steep, falling], [towards(0, -1), towards(-1, 0), towards(-1, 1)], towards(-1, -1)
    )
    after = np.select(
        [flat, steep, falling], [towards(0, 1), towards(1, 0), towards(1, -1)], towards(1, 1)
    )
    ridge = (here > before) & (here >= after) & (here > _EDGES[0])
    parts, _ = ndimage.label(ridge, np.ones((3, 3)))
    strong = np.unique(parts[ridge & (here > _EDGES[1])])
    return np.asarray(np.isin(parts, strong) & ridge)


def _equalised(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Histogram equalisation, the lowest level that occurs becoming 0."""
    counts = np.bincount(levels.ravel(), minlength=256)
    lowest = int(np.flatnonzero(counts)[0])
    above = levels.size - counts[lowest]
    if above == 0:
        return levels
    cumulated = (counts.cumsum() - counts[lowest]).clip(0)
    return np.asarray(np.rint(cumulated * 255 / above)[levels], np.uint8)


SPATTER = (
    Corruption(
        "spatter",
        "weather",
        spatter,
        (
            Spatter(0.65, 0.3, 4, 0.69, 0.6, False),
            Spatter(0.65, 0.3, 3, 0.68, 0.6, False),
            Spatter(0.65, 0.3, 2, 0.68, 0.5, False),
            Spatter(0.65, 0.3, 1, 0.65, 1.5, True),
            Spatter(0.67, 0.4, 1, 0.65, 1.5, True),
        ),
        True,
        "extra",
    ),
)
