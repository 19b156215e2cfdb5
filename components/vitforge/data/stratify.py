"""Dealing out units so that every part gets its share of every class."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def content_order(
    units: Mapping[int, Sequence[int]], digests: Sequence[str], seed: int
) -> list[int]:
    """Units in an order that depends on their images' content and the seed alone."""
    return sorted(
        units,
        key=lambda unit: hashlib.sha256(
            f"{seed}:{','.join(sorted(digests[row] for row in units[unit]))}".encode()
        ).digest(),
    )


def gather(units: Sequence[int], rows: Iterable[int]) -> dict[int, list[int]]:
    """The rows of each unit."""
    gathered: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        gathered[units[row]].append(row)
    return dict(gathered)


def deal_units(
    units: Mapping[int, Sequence[int]],
    labels: Sequence[int],
    digests: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> dict[int, str]:
    """Deal whole units out to parts, the rarest class first.

    Where a class has a unit for every part, every part gets one, the smallest parts first; then
    each unit goes where its class is needed most. For units of one image this is the iterative
    stratification of Sechidis et al. 2011, https://doi.org/10.1007/978-3-642-23808-6_10

    Args:
        units: Rows of each unit.
        labels: Class index of every row.
        digests: SHA-256 of every row's image, hex.
        shares: Share of each part, adding up to 1.
        seed: Another seed, another deal.

    Returns:
        The part of each unit.
    """
    content = {unit: Counter(labels[row] for row in rows) for unit, rows in units.items()}
    order = content_order(units, digests, seed)
    holders: dict[int, list[int]] = defaultdict(list)
    totals: Counter[int] = Counter()
    for unit in order:
        totals.update(content[unit])
        for label in content[unit]:
            holders[label].append(unit)
    need = {
        part: {label: share * totals[label] for label in totals} for part, share in shares.items()
    }
    parts: dict[int, str] = {}

    def give(unit: int, part: str) -> None:
        parts[unit] = part
        for label, count in content[unit].items():
            need[part][label] -= count

    small_first = sorted(shares, key=lambda part: (shares[part], part))
    rare_first = sorted(holders, key=lambda label: (len(holders[label]), label))
    for label in rare_first:
        for part in small_first:
            if any(parts.get(unit) == part for unit in holders[label]):
                continue
            free = [unit for unit in holders[label] if unit not in parts]
            if free:
                give(min(free, key=lambda unit: sum(content[unit].values())), part)
    for label in rare_first:
        for unit in holders[label]:
            if unit not in parts:
                give(unit, max(small_first, key=lambda part: need[part][label]))
    return parts


def deal_multi_label(
    units: Mapping[int, Sequence[int]],
    targets: NDArray[np.float64],
    digests: Sequence[str],
    share: float,
    seed: int,
) -> set[int]:
    """Draw units so that every label keeps its frequency, with `iterative-stratification`.

    Args:
        units: Rows of each unit.
        targets: Values in [0, 1] or NaN of every row, shape (rows, labels); from 0.5 on a label
            counts as present.
        digests: SHA-256 of every row's image, hex.
        share: Share of the units to draw, (0, 1).
        seed: Another seed, another draw.

    Returns:
        The units drawn.
    """
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    order, marks = _marks(units, targets, digests, seed)
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    _, drawn = next(splitter.split(marks, marks))
    return {order[index] for index in drawn}


def fold_multi_label(
    units: Mapping[int, Sequence[int]],
    targets: NDArray[np.float64],
    digests: Sequence[str],
    folds: int,
    seed: int,
) -> list[set[int]]:
    """Deal units out to folds, with `iterative-stratification`; arguments as above."""
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

    order, marks = _marks(units, targets, digests, seed)
    splitter = MultilabelStratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    return [{order[index] for index in fold} for _, fold in splitter.split(marks, marks)]


def _marks(
    units: Mapping[int, Sequence[int]],
    targets: NDArray[np.float64],
    digests: Sequence[str],
    seed: int,
) -> tuple[list[int], NDArray[np.int64]]:
    """Units in order, and which labels each holds."""
    order = content_order(units, digests, seed)
    marks = np.array([(targets[units[unit]] >= 0.5).any(axis=0) for unit in order])
    return order, marks.astype(np.int64)
