"""Pictures of which resizing leaves little: slivers, and sizes far from the rest."""

from statistics import median

from vitforge.data.checks.finding import SHOWN, Examined, Finding

ASPECT = 5.0
"""Longer side over shorter side."""
SMALLER = 0.1
"""Of the median shorter side."""


def check(data: Examined) -> Finding | None:
    """A note."""
    short = [min(image.look.width, image.look.height) for image in data.images]
    long = [max(image.look.width, image.look.height) for image in data.images]
    usual = median(short)
    worst = sorted(
        (side / other, row)
        for row, (side, other) in enumerate(zip(short, long, strict=True))
        if other > ASPECT * side or side < SMALLER * usual
    )
    if not worst:
        return None
    look = data.images[worst[0][1]].look
    return Finding(
        "Odd sizes",
        "note",
        len(worst),
        f"{len(worst):,} images are slivers or far smaller than the rest",
        "crop or remove them",
        f"{data.images[worst[0][1]].raw.id}, {look.width} × {look.height}",
        tuple((row,) for _, row in worst[:SHOWN]),
    )
