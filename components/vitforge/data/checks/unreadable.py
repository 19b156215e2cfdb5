"""Files that are no images, or broken ones."""

from vitforge.data.checks.finding import Examined, Finding, counted


def check(data: Examined) -> Finding | None:
    """A warning; more than `max_dropped` of them have been refused before."""
    if not data.dropped:
        return None
    total = len(data.images) + len(data.dropped)
    worst = data.dropped[0]
    return Finding(
        "Unreadable files",
        "warning",
        len(data.dropped),
        f"{len(data.dropped):,} of {counted(total, 'file')} cannot be used; the report lists them",
        "replace or remove them; `vitforge check-data SOURCE --json` names each with its reason",
        f"{worst.path}: {worst.reason}",
    )
