"""What must stay together: images of one group, and copies of one image."""

from collections.abc import Hashable, Iterable, Sequence


def independent_units(
    count: int, keys: Iterable[Sequence[Hashable]], pairs: Iterable[tuple[int, int]] = ()
) -> list[int]:
    """Number the sets of images that are tied together, however indirectly.

    Args:
        count: Images.
        keys: Sequences of one key an image; equal keys that are not empty tie images together.
        pairs: Rows that are tied together besides.

    Returns:
        A unit for each image: the lowest row of its set.
    """
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while (above := parent.get(row, row)) != row:
            parent[row] = parent.get(above, above)
            row = above
        return row

    def tie(a: int, b: int) -> None:
        low, high = sorted((root(a), root(b)))
        if low != high:
            parent[high] = low

    for column in keys:
        first: dict[Hashable, int] = {}
        for row, key in enumerate(column):
            if key:
                tie(first.setdefault(key, row), row)
    for a, b in pairs:
        tie(a, b)
    return [root(row) for row in range(count)]
