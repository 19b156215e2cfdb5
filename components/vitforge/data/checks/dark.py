"""Pictures that are nearly black, nearly white, or of one colour."""

from vitforge.data.checks.finding import SHOWN, Examined, Finding

BLACK, WHITE, EVEN = 16.0, 244.0, 2.0
"""Mean luminance below and above, and standard deviation below, all of 255."""


def check(data: Examined) -> Finding | None:
    """A note."""
    worst = sorted(
        (image.look.contrast, row)
        for row, image in enumerate(data.images)
        if not BLACK <= image.look.brightness <= WHITE or image.look.contrast < EVEN
    )
    if not worst:
        return None
    return Finding(
        "Dark, blank or washed-out images",
        "note",
        len(worst),
        f"{len(worst):,} images are nearly black, nearly white or of one colour",
        "look at them; remove those that show nothing",
        data.images[worst[0][1]].raw.id,
        tuple((row,) for _, row in worst[:SHOWN]),
    )
