"""One picture under two labels."""

from vitforge.data.checks.finding import SHOWN, Examined, Finding


def check(data: Examined) -> Finding | None:
    """A warning: one of the labels is wrong, or the task is multi-label."""
    first: dict[str, int] = {}
    pairs = list(data.near)
    for row, image in enumerate(data.images):
        pairs.append((first.setdefault(image.digest, row), row))
    clash = [
        (a, b)
        for a, b in pairs
        if (data.images[a].raw.label, data.images[a].raw.targets)
        != (data.images[b].raw.label, data.images[b].raw.targets)
    ]
    if not clash:
        return None
    a, b = (data.images[row].raw for row in clash[0])
    return Finding(
        "Label conflicts",
        "warning",
        len(clash),
        f"{len(clash):,} pairs show one picture under two labels",
        "correct the label or remove one of the files",
        f"{a.id} ({a.label}) = {b.id} ({b.label})",
        tuple(clash[:SHOWN]),
    )
