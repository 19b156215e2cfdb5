"""Groups, such as patients, that lie in two splits."""

from vitforge.data.checks.finding import SHOWN, Examined, Finding, counted, leak_mend


def check(data: Examined) -> Finding | None:
    """A failure when there is one."""
    first: dict[str, int] = {}
    leaked: dict[str, tuple[int, int]] = {}
    for row, group in enumerate(data.images.raw.groups):
        if group and data.splits[first.setdefault(group, row)] != data.splits[row]:
            leaked.setdefault(group, (first[group], row))
    if not leaked:
        return None
    a, b = next(iter(leaked.values()))
    ids = data.images.raw.ids
    return Finding(
        "Group leakage",
        "failure",
        len(leaked),
        f"{len(leaked):,} of {counted(len(first), 'group')} in more than one split",
        leak_mend(data),
        f"{ids[a]} ({data.splits[a]}), {ids[b]} ({data.splits[b]})",
        tuple(list(leaked.values())[:SHOWN]),
    )
