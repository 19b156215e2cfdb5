"""Pictures without any edge, far below the rest of the set."""

import numpy as np

from vitforge.data.checks.finding import SHOWN, Examined, Finding, counted

SHARE = 0.05
"""Of the set's median sharpness; below it a picture is called blurred."""
LEAST_SIDE = 32
"""Pixels; smaller pictures have no sharpness to speak of."""


def check(data: Examined) -> Finding | None:
    """A note."""
    images = data.images
    rows = np.flatnonzero((images.short_sides >= LEAST_SIDE) & (images.contrast >= 4))
    if len(rows) < 20:
        return None
    sharpness = images.sharpness[rows]
    blurred = np.flatnonzero(sharpness < SHARE * np.median(sharpness))
    if not len(blurred):
        return None
    worst = rows[blurred[np.argsort(sharpness[blurred])]].tolist()
    return Finding(
        "Blurred images",
        "note",
        len(worst),
        f"{counted(len(worst), 'image')} far less sharp than the rest",
        "look at them; remove those that show nothing",
        images.raw.ids[worst[0]],
        tuple((row,) for row in worst[:SHOWN]),
    )
