"""File formats and colour spaces that are mixed."""

from collections import Counter

from vitforge.data.checks.finding import SHOWN, Examined, Finding


def check(data: Examined) -> Finding | None:
    """A note where there is more than one; whether it tells the label is another check."""
    kinds = Counter(data.images.kinds)
    if len(kinds) < 2:
        return None
    others = kinds.most_common()[1:]
    rare = others[-1][0]
    rows = [row for row, kind in enumerate(data.images.kinds) if kind == rare]
    return Finding(
        "Mixed formats",
        "note",
        sum(count for _, count in others),
        "formats and colour spaces: "
        + ", ".join(f"{kind} {n:,}" for kind, n in kinds.most_common(6)),
        "nothing, where the mixture is the same in every class; all are brought to RGB",
        data.images.raw.ids[rows[0]],
        tuple((row,) for row in rows[:SHOWN]),
    )
