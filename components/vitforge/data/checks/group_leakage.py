"""Groups, such as patients, that lie in two splits."""

from vitforge.data.checks.finding import SHOWN, Examined, Finding, leak_mend


def check(data: Examined) -> Finding | None:
    """A failure when there is one."""
    first: dict[str, int] = {}
    leaked: dict[str, tuple[int, int]] = {}
    for row, image in enumerate(data.images):
        group = image.raw.group
        if group and data.splits[first.setdefault(group, row)] != data.splits[row]:
            leaked.setdefault(group, (first[group], row))
    if not leaked:
        return None
    a, b = next(iter(leaked.values()))
    return Finding(
        "Group leakage",
        "failure",
        len(leaked),
        f"{len(leaked):,} of {len(first):,} groups lie in more than one split",
        leak_mend(data),
        f"{data.images[a].raw.id} ({data.splits[a]}), {data.images[b].raw.id} ({data.splits[b]})",
        tuple(list(leaked.values())[:SHOWN]),
    )
