"""Which image goes where: the source's word first, then time, folds or fractions."""

from collections.abc import Sequence

from vitforge.artifacts import TEST, TRAIN, VAL
from vitforge.config import DataConfig
from vitforge.data.check import CheckedImage
from vitforge.data.pinned import official_splits, pinned_splits
from vitforge.data.raw import RawDataset
from vitforge.data.split import assign_splits
from vitforge.data.stratify import deal_multi_label, deal_units, fold_multi_label, gather
from vitforge.errors import VitforgeError

BINS = 10
"""Quantiles of a regression's values that take the place of classes."""


def decide_splits(
    raw: RawDataset,
    images: Sequence[CheckedImage],
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
        given = [image.raw.split for image in images]
    if any(given) and not all(given):
        lost = next(i for i, split in zip(images, given, strict=True) if not split)
        raise VitforgeError(
            f"{sum(not split for split in given):,} of {len(given):,} images have no split",
            where=lost.raw.id,
            mend="give each a split, or none; a split that is missing is drawn from training",
        )
    digests = [image.digest for image in images]
    if not any(given) and config.folds:
        return _fold(raw, images, strata, units, digests, config, seed)
    if not any(given) and config.split_by == "time":
        return _by_time(images, units, config)
    alone = len(set(units)) == len(units)
    if alone and raw.task != "multi_label":
        return assign_splits(
            digests, strata, given,
            val_fraction=config.val_fraction, test_fraction=config.test_fraction, seed=seed,
        )  # fmt: skip
    splits = [split or TRAIN for split in given]
    missing = {TEST: config.test_fraction, VAL: config.val_fraction}
    missing = {split: share for split, share in missing.items() if split not in given}
    _draw(raw, images, strata, units, digests, splits, missing, seed)
    return splits


def _draw(
    raw: RawDataset,
    images: Sequence[CheckedImage],
    strata: Sequence[int],
    units: Sequence[int],
    digests: Sequence[str],
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
            targets = [image.raw.targets for image in images]
            drawn = deal_multi_label(free, targets, digests, share / left, seed)
            parts |= dict.fromkeys(drawn, split)
            left -= share
    elif missing:
        shares = missing | {TRAIN: 1.0 - sum(missing.values())}
        parts = deal_units(gathered, strata, digests, shares, seed)
    for row in rows:
        splits[row] = parts.get(units[row], TRAIN)


def _fold(
    raw: RawDataset,
    images: Sequence[CheckedImage],
    strata: Sequence[int],
    units: Sequence[int],
    digests: Sequence[str],
    config: DataConfig,
    seed: int,
) -> list[str]:
    """One fold is the test split; validation is drawn from the others."""
    gathered = gather(units, range(len(images)))
    if raw.task == "multi_label":
        targets = [image.raw.targets for image in images]
        chosen = fold_multi_label(gathered, targets, digests, config.folds, seed)[config.fold]
    else:
        shares = {f"{fold:04d}": 1 / config.folds for fold in range(config.folds)}
        parts = deal_units(gathered, strata, digests, shares, seed)
        chosen = {unit for unit, part in parts.items() if int(part) == config.fold}
    splits = [TEST if unit in chosen else TRAIN for unit in units]
    share = min(config.val_fraction / (1 - 1 / config.folds), 0.5)
    _draw(raw, images, strata, units, digests, splits, {VAL: share}, seed)
    return splits


def _by_time(images: Sequence[CheckedImage], units: Sequence[int], config: DataConfig) -> list[str]:
    """The newest units to test, those before them to validation."""
    lost = next((image for image in images if not image.raw.time), None)
    if lost:
        raise VitforgeError(
            "an image has no time to split by",
            where=lost.raw.id,
            mend="fill the column in, name it in data.time_column, or set data.split_by: class",
        )
    gathered = gather(units, range(len(images)))
    newest = sorted(
        gathered.values(),
        key=lambda rows: (
            max(images[r].raw.time for r in rows),
            min(images[r].digest for r in rows),
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


def find_strata(raw: RawDataset, images: Sequence[CheckedImage]) -> list[int]:
    """Class index of each image; the quantile of a regression's value; 0 for multi-label."""
    if raw.task == "multi_label":
        return [0] * len(images)
    if raw.task == "regression":
        order = sorted(
            range(len(images)), key=lambda row: (images[row].raw.targets, images[row].digest)
        )
        bins = min(BINS, max(1, len(images) // 10))
        rank = {row: place * bins // len(order) for place, row in enumerate(order)}
        return [rank[row] for row in range(len(images))]
    index = {name: number for number, name in enumerate(raw.classes)}
    return [index[image.raw.label] for image in images]
