"""Files with the same bytes."""

from vitforge.data.checks.finding import SHOWN, Examined, Finding, counted, crossing, leak_mend


def check(data: Examined) -> Finding | None:
    """A failure when copies lie in two splits, a note when they stay in one."""
    first: dict[str, int] = {}
    pairs = []
    for row, digest in enumerate(data.images.digests):
        before = first.setdefault(digest, row)
        if before != row:
            pairs.append((before, row))
    if not pairs:
        return None
    leaked = crossing(data, pairs)
    if leaked:
        return Finding(
            "Exact duplicates",
            "failure",
            len(leaked),
            f"{counted(len(leaked), 'copy', 'copies')} of an image in another split: "
            "the test would be of memory",
            leak_mend(data),
            " = ".join(data.images.raw.ids[row] for row in leaked[0]),
            tuple(leaked[:SHOWN]),
        )
    return Finding(
        "Exact duplicates",
        "note",
        len(pairs),
        f"{counted(len(pairs), 'copy', 'copies')} of an image, byte for byte, in one split",
        "remove the copies where they were not meant",
        " = ".join(data.images.raw.ids[row] for row in pairs[0]),
        tuple(pairs[:SHOWN]),
    )
