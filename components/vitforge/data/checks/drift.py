"""Splits whose pictures look different: the test would be of another world."""

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import TEST, TRAIN, VAL
from vitforge.data.checks.finding import Examined, Finding

LEAST = 0.1
"""Distance of the two distributions, [0, 1], below which it does not matter."""
_STRICT = 1.95
"""Kolmogorov's quantile for a false alarm in 1,000."""


def distances(data: Examined) -> dict[tuple[str, str], tuple[float, bool]]:
    """Kolmogorov-Smirnov distance of val and test from train, in each measure.

    Returns:
        By (measure, split): the distance, and whether chance is ruled out and it matters.
    """
    splits = np.array(data.splits)
    measures = {
        "brightness": data.images.brightness,
        "contrast": data.images.contrast,
        "sharpness": data.images.sharpness,
        "width": data.images.widths,
        "height": data.images.heights,
    }
    found = {}
    for name, values in measures.items():
        train = values[splits == TRAIN]
        for split in (VAL, TEST):
            other = values[splits == split]
            if len(train) and len(other):
                distance = _distance(train, other)
                chance = _STRICT * np.sqrt((len(train) + len(other)) / (len(train) * len(other)))
                found[name, split] = (distance, distance > max(LEAST, chance))
    return found


def check(data: Examined) -> Finding | None:
    """A warning: a fair draw does not do this, a given split may."""
    drifted = {key: distance for key, (distance, real) in distances(data).items() if real}
    if not drifted:
        return None
    named = ", ".join(
        f"{name} of {split} ({value:.2f})" for (name, split), value in drifted.items()
    )
    return Finding(
        "Drift between splits",
        "warning",
        len(drifted),
        f"splits look different from training: {named}; 0 is equal, 1 is apart",
        "draw the split anew, unless the difference is what the test is for",
    )


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    both = np.concatenate([a, b])
    both.sort()
    below_a = np.searchsorted(np.sort(a), both, side="right") / len(a)
    below_b = np.searchsorted(np.sort(b), both, side="right") / len(b)
    return float(np.abs(below_a - below_b).max())
