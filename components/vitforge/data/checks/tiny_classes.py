"""Classes whose test figures will mean little."""

from collections import Counter

from vitforge.artifacts import TEST
from vitforge.data.checks.finding import Examined, Finding, counted

LEAST = 10
"""Test images, below which one mistake moves a class's recall by more than 10 points."""


def check(data: Examined) -> Finding | None:
    """A warning."""
    if data.raw.task == "regression":
        return None
    counts: Counter[str] = Counter()
    for label, split in zip(data.images.raw.labels, data.splits, strict=True):
        if split == TEST:
            counts.update(label.split("|"))
    tiny = sorted((counts[name], name) for name in data.raw.classes if counts[name] < LEAST)
    if not tiny:
        return None
    named = ", ".join(f"{name!r} {count}" for count, name in tiny[:5])
    return Finding(
        "Tiny classes",
        "warning",
        len(tiny),
        f"{counted(len(tiny), 'class', 'classes')} with fewer than {LEAST} test images: {named}",
        "collect more, merge classes, or raise data.test_fraction",
        f"class {tiny[0][1]!r}",
    )
