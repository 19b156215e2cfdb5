"""Finding the same picture again: resized, recompressed, brightened or slightly cropped.

Perceptual hashes propose pairs, the thumbnails' pixels decide. No two images are compared unless
their hashes share a band of 16 bits, give or take one bit.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vitforge.data.look import THUMB
from vitforge.data.same_picture import Crop, halved, same_picture, window
from vitforge.data.thumbs import Thumbnails

RADIUS = 7
"""Bits that two hashes may differ in. Four bands, of which one differs by 1 bit at most, find
every such pair: four bands with 2 bits or more each would make 8."""
TINY = 32
"""Images with a shorter side, pixels, hold too little for a hash: their pixels must agree."""
FLAT = 4.0
"""Standard deviation of luminance below which there is nothing to hash, of 255."""
_CROP = 0.95
_CROPS = (
    Crop(1.0, 0.0, 0.0),
    *(Crop(_CROP, x, y) for x in (0.0, 0.5, 1.0) for y in (0.0, 0.5, 1.0)),
)
"""What the other picture may be of this one: share of the side, and its place, [0, 1]."""
_SIDE = THUMB // 2
"""Pixels a side that a hash is made of."""
_BLOCK = 512
_BUCKET = 256
_CANDIDATES = 500_000


def near_duplicates(
    thumbs: Thumbnails, rows: Sequence[int], short_sides: Sequence[int]
) -> list[tuple[int, int]]:
    """Pairs of images that show one picture.

    Args:
        thumbs: Thumbnails of all images.
        rows: The thumbnail of each image to be compared; each content once.
        short_sides: Shorter side of each image, pixels.

    Returns:
        Pairs of indices into `rows`, lower first.
    """
    hashes, flat = hash_thumbnails(thumbs, rows)
    usable = np.flatnonzero(~flat)
    places = np.asarray(rows, dtype=np.int64)[usable]
    tiny = np.asarray(short_sides)[usable] < TINY
    found: set[tuple[int, int]] = set()
    for crop, a, b in similar_hashes(hashes[:, usable]):
        if crop:  # a cropped tiny image cannot be told from another one
            keep = ~(tiny[a] | tiny[b])
            a, b = a[keep], b[keep]
        for start in range(0, len(a), _BLOCK):
            first, second = a[start : start + _BLOCK], b[start : start + _BLOCK]
            same = same_picture(
                thumbs.pick(places[first]), thumbs.pick(places[second]),
                _CROPS[crop], tiny[first] | tiny[second],
            )  # fmt: skip
            pairs = np.sort(usable[np.stack([first[same], second[same]])], axis=0)
            found.update(zip(*pairs.tolist(), strict=True))
    return sorted(found)


def hash_thumbnails(
    thumbs: Thumbnails, rows: Sequence[int]
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Signs of 64 low frequencies of each thumbnail and of each of its crops.

    Returns:
        Hashes, shape (crops, images), and which images are too flat for one.

    Source: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions"
    """
    hashes = np.empty((len(_CROPS), len(rows)), dtype=np.uint64)
    flat = np.empty(len(rows), dtype=np.bool_)
    weights = np.uint64(1) << np.arange(64, dtype=np.uint64)
    ordered = list(rows) == list(range(rows[0], rows[0] + len(rows))) if rows else True
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        block = thumbs.block(part[0], part[-1] + 1) if ordered else thumbs.pick(part)
        pixels = halved(block.astype(np.float32))
        flat[start : start + _BLOCK] = pixels.std(axis=(1, 2)) < FLAT
        for number, (size, x, y) in enumerate(_CROPS):
            down, across = _dct(0, 8) @ window(size, y, _SIDE), _dct(1, 9) @ window(size, x, _SIDE)
            signs = (down @ pixels @ across.T).reshape(len(part), 64) > 0
            hashes[number, start : start + _BLOCK] = (signs * weights).sum(axis=1, dtype=np.uint64)
    return hashes, flat


def similar_hashes(
    hashes: NDArray[np.uint64], radius: int = RADIUS
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of which a crop's hash differs from the other's whole hash in few bits.

    Args:
        hashes: Shape (crops, images); the first row is of whole images.
        radius: Bits, at most 7.

    Yields:
        Number of the crop, images cropped, images whole. A pair may come again.
    """
    whole = hashes[0]
    for band in range(4):
        turned = _turn(whole, band)
        order = np.argsort(turned, kind="stable")
        turned = turned[order]
        starts = np.searchsorted(turned >> np.uint64(48), np.arange(65537, dtype=np.uint64))
        for crop in range(len(hashes)):
            queries = _turn(hashes[crop], band)
            keys = (queries >> np.uint64(48)).astype(np.int64)
            for probe in (0, *(1 << bit for bit in range(16))):
                low, high = _bounded(starts, turned, queries, keys ^ probe)
                for a, places in _expand(low, high - low):
                    b = order[places]
                    close = np.bitwise_count(queries[a] ^ turned[places]) <= radius
                    close &= (a < b) if crop == 0 else (a != b)
                    if close.any():
                        yield crop, a[close], b[close]


def _bounded(
    starts: NDArray[np.int64],
    turned: NDArray[np.uint64],
    queries: NDArray[np.uint64],
    keys: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The bucket of each key; of a crowded one, the places around the query's own."""
    low, high = starts[keys], starts[keys + 1]
    crowded = np.flatnonzero(high - low > _BUCKET)
    if len(crowded):
        rest = queries[crowded] & np.uint64(2**48 - 1)
        target = (keys[crowded].astype(np.uint64) << np.uint64(48)) | rest
        place = np.searchsorted(turned, target)
        low, high = low.copy(), high.copy()
        low[crowded] = np.maximum(low[crowded], place - _BUCKET // 2)
        high[crowded] = np.minimum(high[crowded], place + _BUCKET // 2)
    return low, high


def _expand(
    low: NDArray[np.int64], counts: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Every (query, place) of the buckets, some millions at a time."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(low):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _CANDIDATES, side="right")))
        some = counts[start:stop]
        queries = np.repeat(np.arange(start, stop), some)
        inner = np.arange(int(some.sum())) - np.repeat(np.cumsum(some) - some, some)
        yield queries, np.repeat(low[start:stop], some) + inner
        start = stop


def _turn(hashes: NDArray[np.uint64], band: int) -> NDArray[np.uint64]:
    """Hashes rotated so that a band of 16 bits stands first."""
    shift = np.uint64(16 * band)
    return (hashes << shift) | (hashes >> np.uint64((64 - 16 * band) % 64)) if band else hashes


def _dct(low: int, high: int) -> NDArray[np.float32]:
    """Rows `low` to `high` of the type-II cosine transform, shape (n, _SIDE)."""
    k, n = np.arange(low, high)[:, None], np.arange(_SIDE)[None]
    return np.cos(np.pi * k * (2 * n + 1) / (2 * _SIDE)).astype(np.float32)
