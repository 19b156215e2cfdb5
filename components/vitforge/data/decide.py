"""Which image goes where: the source's word first, then time, folds or fractions."""

from collections.abc import Sequence

import numpy as np

from vitforge.artifacts import TEST, TRAIN, VAL
from vitforge.config import DataConfig
from vitforge.data.checked import CheckedImages
from vitforge.data.pinned import official_splits, pinned_splits
from vitforge.data.raw import RawDataset
from vitforge.data.split import assign_splits
from vitforge.data.stratify import deal_multi_label, deal_units, fold_multi_label, gather
from vitforge.errors import VitforgeError

BINS = 10
"""Quantiles of a regression's values that take the place of classes."""


def decide_splits(
    raw: RawDataset,
    images: CheckedImages,
    strata: Sequence[int],
    units: Sequence[int],
    config: DataConfig,
    seed: int,
) -> list[str]:
    """Assign every image to train, val or test; what is drawn here never parts a unit.

    Args:
        raw: The source, for its task.
        images: The readable images.
        strata: Class index of each image, or the quantile of its value.
        units: Unit of each image, as `independent_units` numbers them.
        config: The section `data`.
        seed: Another seed, another split.

    Returns:
        A split for each image, whatever order the images come in.

    Raises:
        VitforgeError: if a list does not fit the images, or an image has no time to go by.
    """
    if config.splits_file:
        return pinned_splits(config.splits_file, images)
    if config.official_lists:
        given = official_splits(config.official_lists, images)
    else:
        given = list(images.raw.splits)
    if any(given) and not all(given):
        lost = images.raw.ids[given.index("")]
        raise VitforgeError(
            f"{sum(not split for split in given):,} of {len(given):,} images have no split",
            where=lost,
            mend="give each a split, or none; a split that is missing is drawn from training",
        )
    if not any(given) and config.folds:
        return _fold(raw, images, strata, units, config, seed)
    if not any(given) and config.split_by == "time":
        return _by_time(images, units, config)
    alone = len(set(units)) == len(units)
    if alone and raw.task != "multi_label":
        return assign_splits(
            images.digests, strata, given,
            val_fraction=config.val_fraction, test_fraction=config.test_fraction, seed=seed,
        )  # fmt: skip
    splits = [split or TRAIN for split in given]
    missing = {TEST: config.test_fraction, VAL: config.val_fraction}
    missing = {split: share for split, share in missing.items() if split not in given}
    _draw(raw, images, strata, units, splits, missing, seed)
    return splits


def _draw(
    raw: RawDataset,
    images: CheckedImages,
    strata: Sequence[int],
    units: Sequence[int],
    splits: list[str],
    missing: dict[str, float],
    seed: int,
) -> None:
    """Move units from train to the splits that are missing."""
    rows = [row for row, split in enumerate(splits) if split == TRAIN]
    gathered = gather(units, rows)
    parts: dict[int, str] = {}
    if raw.task == "multi_label":
        left = 1.0
        for split, share in missing.items():
            free = {unit: members for unit, members in gathered.items() if unit not in parts}
            drawn = deal_multi_label(free, images.raw.targets, images.digests, share / left, seed)
            parts |= dict.fromkeys(drawn, split)
            left -= share
    elif missing:
        shares = missing | {TRAIN: 1.0 - sum(missing.values())}
        parts = deal_units(gathered, strata, images.digests, shares, seed)
    for row in rows:
        splits[row] = parts.get(units[row], TRAIN)


def _fold(
    raw: RawDataset,
    images: CheckedImages,
    strata: Sequence[int],
    units: Sequence[int],
    config: DataConfig,
    seed: int,
) -> list[str]:
    """One fold is the test split; validation is drawn from the others."""
    gathered = gather(units, range(len(images)))
    if raw.task == "multi_label":
        folds = fold_multi_label(gathered, images.raw.targets, images.digests, config.folds, seed)
        chosen = folds[config.fold]
    else:
        shares = {f"{fold:04d}": 1 / config.folds for fold in range(config.folds)}
        parts = deal_units(gathered, strata, images.digests, shares, seed)
        chosen = {unit for unit, part in parts.items() if int(part) == config.fold}
    splits = [TEST if unit in chosen else TRAIN for unit in units]
    share = min(config.val_fraction / (1 - 1 / config.folds), 0.5)
    _draw(raw, images, strata, units, splits, {VAL: share}, seed)
    return splits


def _by_time(images: CheckedImages, units: Sequence[int], config: DataConfig) -> list[str]:
    """The newest units to test, those before them to validation."""
    times = images.raw.times
    if not all(times):
        raise VitforgeError(
            "an image has no time to split by",
            where=images.raw.ids[times.index("")],
            mend="fill the column in, name it in data.time_column, or set data.split_by: class",
        )
    gathered = gather(units, range(len(images)))
    newest = sorted(
        gathered.values(),
        key=lambda rows: (
            max(times[row] for row in rows),
            min(images.digests[row] for row in rows),
        ),
        reverse=True,
    )
    splits = [TRAIN] * len(images)
    taken = 0
    for rows in newest:
        if taken < config.test_fraction * len(images):
            split = TEST
        elif taken < (config.test_fraction + config.val_fraction) * len(images):
            split = VAL
        else:
            break
        for row in rows:
            splits[row] = split
        taken += len(rows)
    return splits


def find_strata(raw: RawDataset, images: CheckedImages) -> list[int]:
    """Class index of each image; the quantile of a regression's value; 0 for multi-label."""
    if raw.task == "multi_label":
        return [0] * len(images)
    if raw.task == "regression":
        order = np.lexsort((np.array(images.digests), images.raw.targets[:, 0]))
        bins = min(BINS, max(1, len(images) // 10))
        strata = np.empty(len(images), dtype=np.int64)
        strata[order] = np.arange(len(images)) * bins // len(images)
        return [int(quantile) for quantile in strata]
    index = {name: number for number, name in enumerate(raw.classes)}
    return [index[label] for label in images.raw.labels]
