"""Pictures of which resizing leaves little: slivers, and sizes far from the rest."""

import numpy as np

from vitforge.data.checks.finding import SHOWN, Examined, Finding, counted

ASPECT = 5.0
"""Longer side over shorter side."""
SMALLER = 0.1
"""Of the median shorter side."""


def check(data: Examined) -> Finding | None:
    """A note."""
    images = data.images
    short, long = images.short_sides, np.maximum(images.widths, images.heights)
    rows = np.flatnonzero((long > ASPECT * short) | (short < SMALLER * np.median(short)))
    worst = rows[np.argsort((short / long)[rows], kind="stable")].tolist()
    if not worst:
        return None
    first = images[worst[0]]
    return Finding(
        "Odd sizes",
        "note",
        len(worst),
        f"{counted(len(worst), 'image')} long and narrow, or far smaller than the rest",
        "crop or remove them",
        f"{first.raw.id}, {first.look.width} × {first.look.height}",
        tuple((row,) for row in worst[:SHOWN]),
    )
