"""Pictures that are nearly black, nearly white, or of one colour."""

import numpy as np

from vitforge.data.checks.finding import SHOWN, Examined, Finding, counted

BLACK, WHITE, EVEN = 16.0, 244.0, 2.0
"""Mean luminance below and above, and standard deviation below, all of 255."""


def check(data: Examined) -> Finding | None:
    """A note."""
    images = data.images
    lit = (images.brightness >= BLACK) & (images.brightness <= WHITE) & (images.contrast >= EVEN)
    rows = np.flatnonzero(~lit)
    worst = rows[np.argsort(images.contrast[rows], kind="stable")].tolist()
    if not worst:
        return None
    return Finding(
        "Dark, blank or washed-out images",
        "note",
        len(worst),
        f"{counted(len(worst), 'image')} nearly black, nearly white or of one colour",
        "look at them; remove those that show nothing",
        images.raw.ids[worst[0]],
        tuple((row,) for row in worst[:SHOWN]),
    )
