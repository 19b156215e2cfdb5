"""Classes of very different size."""

from collections import Counter

from vitforge.data.checks.finding import Examined, Finding

RATIO = 10.0
"""Largest class over smallest, from which on accuracy mostly tells of the largest."""


def check(data: Examined) -> Finding | None:
    """A warning."""
    if data.raw.task == "regression":
        return None
    counts = Counter(word for label in data.images.raw.labels for word in label.split("|"))
    sizes = {name: counts[name] for name in data.raw.classes if counts[name]}
    if len(sizes) < 2:
        return None
    large, small = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
    ratio = sizes[large] / sizes[small]
    if ratio < RATIO:
        return None
    return Finding(
        "Class imbalance",
        "warning",
        sum(sizes[large] / size >= RATIO for size in sizes.values()),
        f"{large!r} has {ratio:.0f} times the images of {small!r}",
        "judge by balanced accuracy or per class, and collect more of the small classes",
        f"class {small!r}",
    )
