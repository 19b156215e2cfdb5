"""Two models' predictions of the same images, side by side."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.metrics.families import LOWER_IS_BETTER, families, paired_differences
from vitforge.metrics.groups import groups
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws

RESAMPLES = 1000
SEED = 0
MIN_GROUP = 30
"""Fewest images of a group that two models are compared on."""
NEITHER = frozenset({"confidence", "entropy", "reliable_share"})
"""Metrics of which neither more nor less is better."""
OWN_UNIT = frozenset({"nll", "mae", "rmse", "class_mae"})
"""Metrics that are no share: a margin is a part of the champion's value."""


def read_pair(ours: Path, theirs: Path) -> tuple[Predictions, Predictions, str]:
    """Both prediction files, the second in the order of the first.

    Returns:
        Challenger, champion, and why they cannot be compared; empty where they can.

    Raises:
        VitforgeError: if a file is missing or holds something else.
    """
    one, other = Predictions.load(ours), Predictions.load(theirs)
    shared = len(set(one.ids) & set(other.ids))
    if shared != one.n or one.n != other.n:
        return one, other, f"tested on other images ({shared:,} of {one.n:,} ids in common)"
    place = {id_: i for i, id_ in enumerate(other.ids)}
    other = _reordered(other, np.array([place[id_] for id_ in one.ids]))
    if one.task != other.task or one.logits.shape[1] != other.logits.shape[1]:
        return one, other, "of another task or other classes"
    known = one.task in ("multi_label", "regression")
    if not np.array_equal(one.labels, other.labels, equal_nan=known):
        return one, other, "tested on other labels of these images"
    return one, other, ""


def advantages(
    ours: Predictions, theirs: Predictions, wanted: Iterable[str], level: float
) -> Iterator[tuple[MetricRow, float]]:
    """How much better ours is, with the champion's value; negative is worse.

    Args:
        ours: The challenger's.
        theirs: The champion's, on the same images in the same order.
        wanted: Metrics; those that neither model is better by are left out.
        level: Confidence level of the paired bootstrap interval.
    """
    names = set(wanted) - NEITHER
    if not names:
        return
    draws = Draws(ours.n, RESAMPLES, SEED)
    before = {name: value for family in families(theirs) for name, value in family.point().items()}
    for row in paired_differences(ours, theirs, draws, level):
        if row.name in names:
            yield (_turned(row) if row.name in LOWER_IS_BETTER else row), before[row.name]


def lost_and_gained(ours: Predictions, theirs: Predictions) -> tuple[int, int]:
    """Images that only the champion has right, and that only the challenger has."""
    return (
        int((~ours.correct & theirs.correct).sum()),
        int((ours.correct & ~theirs.correct).sum()),
    )


def by_group(ours: Predictions, theirs: Predictions) -> list[tuple[str, int, int, int]]:
    """Name, images, lost and gained of every declared group that is large enough."""
    found = []
    for group in groups(ours.slices):
        n = int(group.among.sum())
        if n >= MIN_GROUP:
            lost = int((~ours.correct & theirs.correct & group.among).sum())
            gained = int((ours.correct & ~theirs.correct & group.among).sum())
            found.append((group.name, n, lost, gained))
    return found


def _turned(row: MetricRow) -> MetricRow:
    """A difference of which less is better, as an advantage."""
    low, high = row.low, row.high
    if low is None or high is None:
        return row.model_copy(update={"value": -row.value})
    return row.model_copy(update={"value": -row.value, "low": -high, "high": -low})


def _reordered(found: Predictions, order: NDArray[np.int64]) -> Predictions:
    return Predictions.of(
        tuple(found.ids[i] for i in order), found.labels[order], found.logits[order], found.task
    )
