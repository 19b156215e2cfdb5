"""Everything that can be known of a data set before anything is written."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitforge.artifacts import CALIBRATION, TEST, TRAIN, VAL, DatasetInfo, DroppedImage
from vitforge.config import DataConfig
from vitforge.data.check import check_images, pixel_statistics
from vitforge.data.checked import CheckedImages
from vitforge.data.checks import Examined, Finding, run_checks
from vitforge.data.decide import decide_splits, find_strata
from vitforge.data.fingerprint import fingerprint
from vitforge.data.near import near_duplicates
from vitforge.data.raw import RawDataset, RawImages
from vitforge.data.sources import read_source
from vitforge.data.split import draw_calibration
from vitforge.data.thumbs import Thumbnails
from vitforge.data.units import independent_units
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun

_LATER = (TRAIN, VAL, TEST)


@dataclass(frozen=True)
class Examination:
    """What was found.

    Args:
        data: The images, their splits and their copies.
        findings: The worst first.
        info: What `dataset.json` will say.
        calibration: Rows set apart for calibration.
    """

    data: Examined
    findings: Sequence[Finding]
    info: DatasetInfo
    calibration: Sequence[int]


def examine(
    source: str, seed: int, config: DataConfig, run: StepRun, scratch: Path | None = None
) -> Examination:
    """Read a data set, look at every image, compare, split and check; writes nothing.

    Args:
        source: What `check_source` takes.
        seed: Seed of the split.
        config: The section `data`.
        run: The step's run, for progress.
        scratch: Folder that finished parts of the scan are kept in.

    Raises:
        VitforgeError: if the source is not there, is not laid out as a data set, or its images do
            not make one.
    """
    raw = read_source(source, config)
    if raw.found:
        run.note(f"task {raw.task}: {raw.found}; data.task sets another")
    thumbs = Thumbnails()
    images, dropped = check_images(raw, config, run, thumbs, scratch)
    near = _near(images, thumbs)
    units = independent_units(len(images), [images.digests, images.raw.groups], near)
    strata = find_strata(raw, images)
    splits = decide_splits(raw, images, strata, units, config, seed)
    if config.leaked == "drop":
        images, splits, near, out = _drop_leaked(images, splits, units, near)
        dropped = [*dropped, *out]
        strata = find_strata(raw, images)
    counts = _count_classes(raw, images, splits)
    calibration = draw_calibration(images.digests, strata, splits, config.calibration_images, seed)
    data = Examined(source, raw, config, images, splits, near, dropped)
    info = _describe(data, seed, counts, len(calibration))
    return Examination(data, run_checks(data), info, calibration)


def _near(images: CheckedImages, thumbs: Thumbnails) -> list[tuple[int, int]]:
    """Pairs of rows that show one picture; copies of the same bytes are left to another check."""
    first: dict[str, int] = {}
    for row, digest in enumerate(images.digests):
        first.setdefault(digest, row)
    rows = list(first.values())
    pairs = near_duplicates(thumbs, images.thumbs[rows].tolist(), images.short_sides[rows].tolist())
    return [(rows[a], rows[b]) for a, b in pairs]


def _drop_leaked(
    images: CheckedImages,
    splits: Sequence[str],
    units: Sequence[int],
    near: Sequence[tuple[int, int]],
) -> tuple[CheckedImages, list[str], list[tuple[int, int]], list[DroppedImage]]:
    """Leave out of a split what is also in a later one."""
    last: dict[int, str] = {}
    for unit, split in zip(units, splits, strict=True):
        last[unit] = max(last.get(unit, split), split, key=_LATER.index)
    kept = [row for row, unit in enumerate(units) if splits[row] == last[unit]]
    place = {row: new for new, row in enumerate(kept)}
    lost = [
        DroppedImage(path=name, reason=f"also in {last[unit]}, dropped from {split}")
        for name, unit, split in zip(images.raw.ids, units, splits, strict=True)
        if split != last[unit]
    ]
    pairs = [(place[a], place[b]) for a, b in near if a in place and b in place]
    return images.take(kept), [splits[row] for row in kept], pairs, lost


def _count_classes(
    raw: RawDataset, images: CheckedImages, splits: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    """Images of each class in train, val and test; of each positive label for multi-label.

    Raises:
        VitforgeError: if a split is empty, or a class has no image in one of them, as a given
            split may have it.
    """
    counted: Counter[tuple[str, str]] = Counter()
    for label, split in zip(images.raw.labels, splits, strict=True):
        words = label.split("|") if raw.task == "multi_label" else [label]
        counted.update((split, word) for word in words)
    counts = {
        split: tuple(counted[split, name] for name in raw.classes) for split in (TRAIN, VAL, TEST)
    }
    for split, row in counts.items():
        missing = [name for name, count in zip(raw.classes, row, strict=True) if count == 0]
        if split not in splits or (missing and raw.task in ("single_label", "ordinal")):
            raise VitforgeError(
                f"no readable image in {split} for {len(missing):,} of {len(raw.classes):,} "
                f"classes: {', '.join(missing[:5])}",
                where=split,
                mend=f"add images of these classes to {split}, or remove the folder {split} to "
                "have it drawn; a class needs 3 images, groups or pictures that are not copies",
            )
    return counts


def _describe(
    data: Examined, seed: int, counts: dict[str, tuple[int, ...]], calibration: int
) -> DatasetInfo:
    members = Counter(data.splits)
    images = data.images
    training = [row for row, split in enumerate(data.splits) if split == TRAIN]
    return DatasetInfo(
        name=data.raw.name,
        source=data.source,
        task=data.raw.task,
        classes=data.raw.classes,
        sizes={split: members[split] for split in (TRAIN, VAL, TEST)} | {CALIBRATION: calibration},
        class_counts=counts,
        statistics=pixel_statistics(images, training),
        fingerprint=fingerprint(
            zip(
                images.digests,
                _label_words(images.raw),
                data.splits,
                *(
                    [f"{name}={word}" for word in words]
                    for name, words in images.raw.slices.items()
                ),
                strict=True,
            )
        ),
        seed=seed,
        dropped=(*data.dropped, *data.raw.ignored),
        slices=tuple(images.raw.slices),
    )


def _label_words(images: RawImages) -> Iterable[str]:
    """Every label as one word; of values, all their digits."""
    if images.targets.shape[1]:
        return (repr(tuple(row.tolist())) for row in images.targets)
    return images.labels
