"""Groups of images: every value of every declared slice, and every pair of them crossed."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Group(NamedTuple):
    """Images that are alike in one slice, or in two."""

    dimension: str
    """`site`, or `site & sex`."""
    name: str
    """`site=A`, or `site=A & sex=F`."""
    among: NDArray[np.bool_]
    """Its images, shape (N,)."""


def groups(slices: Mapping[str, NDArray[np.str_]]) -> Iterator[Group]:
    """All groups that have an image; images whose value is unknown (empty) belong to none."""
    yield from _of(slices)
    for one, other in combinations(slices, 2):
        for a in _of({one: slices[one]}):
            for b in _of({other: slices[other]}):
                both = a.among & b.among
                if both.any():
                    yield Group(f"{one} & {other}", f"{a.name} & {b.name}", both)


def _of(slices: Mapping[str, NDArray[np.str_]]) -> Iterator[Group]:
    for dimension, values in slices.items():
        for value in sorted(set(values.tolist()) - {""}):
            yield Group(dimension, f"{dimension}={value}", values == value)
