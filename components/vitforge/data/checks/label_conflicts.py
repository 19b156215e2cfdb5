"""One picture under two labels."""

import numpy as np

from vitforge.data.checks.finding import SHOWN, Examined, Finding, counted


def check(data: Examined) -> Finding | None:
    """A warning: one of the labels is wrong, or the task is multi-label."""
    first: dict[str, int] = {}
    pairs = list(data.near)
    for row, digest in enumerate(data.images.digests):
        if (copied := first.setdefault(digest, row)) != row:
            pairs.append((copied, row))
    raw = data.images.raw
    clash = [
        (a, b)
        for a, b in pairs
        if raw.labels[a] != raw.labels[b]
        or not np.array_equal(raw.targets[a], raw.targets[b], equal_nan=True)
    ]
    if not clash:
        return None
    a, b = (raw[row] for row in clash[0])
    return Finding(
        "Label conflicts",
        "warning",
        len(clash),
        f"{counted(len(clash), 'pair')} of one picture under two labels",
        "correct the label or remove one of the files",
        f"{a.id} ({a.label}) = {b.id} ({b.label})",
        tuple(clash[:SHOWN]),
    )
