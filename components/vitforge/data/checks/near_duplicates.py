"""One picture in two files: resized, recompressed, brightened or slightly cropped."""

from vitforge.data.checks.finding import SHOWN, Examined, Finding, counted, crossing, leak_mend


def check(data: Examined) -> Finding | None:
    """A failure when the pictures lie in two splits, a note when they stay in one."""
    if not data.near:
        return None
    leaked = crossing(data, data.near)
    shown = leaked or list(data.near)
    return Finding(
        "Near-duplicates",
        "failure" if leaked else "note",
        len(shown),
        f"{counted(len(leaked), 'pair')} of one picture in two splits: leakage"
        if leaked
        else f"{counted(len(shown), 'pair')} of one picture in two files, in one split",
        leak_mend(data) if leaked else "remove the copies where they were not meant",
        " ~ ".join(data.images.raw.ids[row] for row in shown[0]),
        tuple(shown[:SHOWN]),
    )
