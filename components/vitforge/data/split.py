"""Which image goes where: stratified by class, fixed by content and seed."""

import hashlib
from collections.abc import Iterable, Sequence

from vitforge.artifacts import TEST, TRAIN, VAL


def assign_splits(
    digests: Sequence[str],
    labels: Sequence[int],
    given: Sequence[str],
    *,
    val_fraction: float,
    test_fraction: float,
    seed: int,
) -> list[str]:
    """Assign every image to train, val or test.

    An image's place depends on its content, its class's other images and the seed: not on file
    names, and not on the order they come in. What the source gives is kept; a split that it lacks
    is drawn from its training images.

    Args:
        digests: SHA-256 of each image's bytes, hex.
        labels: Class indices.
        given: `train`, `val` or `test` for every image, or empty for every image.
        val_fraction: Share of each class for validation, (0, 0.5).
        test_fraction: Share of each class for test, (0, 0.5).
        seed: Another seed, another split.

    Returns:
        A split for each image. Each class that has to be drawn from keeps at least one training
        image and gives at least one to every split drawn; that takes 3 images.
    """
    present = set(given) - {""}
    splits = [split or TRAIN for split in given]
    for rows in _ranked(digests, labels, (i for i, s in enumerate(splits) if s == TRAIN), seed):
        n = len(rows)
        # Leave room for what is still to come: validation, and one image to train on.
        test = 0 if TEST in present else _share(n, test_fraction, n - 2 + (VAL in present))
        val = 0 if VAL in present else _share(n, val_fraction, n - test - 1)
        for row in rows[:test]:
            splits[row] = TEST
        for row in rows[test : test + val]:
            splits[row] = VAL
    return splits


def draw_calibration(
    digests: Sequence[str], labels: Sequence[int], splits: Sequence[str], count: int, seed: int
) -> list[int]:
    """Draw training images in the proportions of the classes, one of each class first.

    Args:
        digests: SHA-256 of each image's bytes, hex.
        labels: Class indices.
        splits: Split of each image.
        count: Images to draw; all training images where there are fewer.
        seed: Another seed, another draw.

    Returns:
        Row numbers, ascending.
    """
    training = (i for i, split in enumerate(splits) if split == TRAIN)
    order = [
        (rank > 0, (rank + 0.5) / len(rows), label, row)
        for label, rows in enumerate(_ranked(digests, labels, training, seed))
        for rank, row in enumerate(rows)
    ]
    return sorted(row for *_, row in sorted(order)[:count])


def _share(n: int, fraction: float, most: int) -> int:
    return max(0, min(max(1, round(n * fraction)), most))


def _ranked(
    digests: Sequence[str], labels: Sequence[int], rows: Iterable[int], seed: int
) -> list[list[int]]:
    """Rows of each class in seeded order; a hash of seed and content is the shuffle."""
    classes: dict[int, list[int]] = {}
    for row in rows:
        classes.setdefault(labels[row], []).append(row)
    return [
        sorted(
            classes[label],
            key=lambda row: hashlib.sha256(f"{seed}:{digests[row]}".encode()).digest(),
        )
        for label in sorted(classes)
    ]
