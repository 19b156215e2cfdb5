"""The work of `prepare_data`, in order."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vitforge.artifacts import (
    CALIBRATION,
    DATASET_FILE,
    REPORT_FILE,
    TEST,
    TRAIN,
    VAL,
    DatasetInfo,
    DroppedImage,
)
from vitforge.config import DataConfig
from vitforge.data.check import CheckedImage, check_images, pixel_statistics
from vitforge.data.fingerprint import fingerprint
from vitforge.data.page import dataset_report
from vitforge.data.raw import RawDataset
from vitforge.data.sources import read_source
from vitforge.data.split import assign_splits, draw_calibration
from vitforge.data.write import write_splits
from vitforge.errors import VitforgeError
from vitforge.folders import whole_folder
from vitforge.tracking import StepRun


def prepare(source: str, seed: int, config: DataConfig, out: Path, run: StepRun) -> DatasetInfo:
    """Read a data set, check every image, split it, and write the dataset artifact.

    Args:
        source: `digits`, a folder, or a hub id; see `check_source`.
        seed: Seed of the split.
        config: The section `data`.
        out: Folder of the artifact; replaced when everything is written, untouched before.
        run: The step's run.

    Returns:
        What was written to `dataset.json`.

    Raises:
        VitforgeError: if the source is not there, is not laid out as a data set, or its images do
            not make one.
        OSError: if the disk refuses.
    """
    raw = read_source(source)
    images, dropped = check_images(raw, config, run)
    index = {name: number for number, name in enumerate(raw.classes)}
    digests = [image.digest for image in images]
    labels = [index[image.raw.label] for image in images]
    splits = assign_splits(
        digests,
        labels,
        [image.raw.split for image in images],
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        seed=seed,
    )
    counts = _count_classes(raw.classes, labels, splits)
    calibration = draw_calibration(digests, labels, splits, config.calibration_images, seed)
    info = _describe(raw, source, seed, images, splits, counts, len(calibration), dropped)
    with whole_folder(out) as folder:
        write_splits(folder, images, splits, calibration, raw.classes, run)
        info.save(folder / DATASET_FILE)
        training = [image for image, split in zip(images, splits, strict=True) if split == TRAIN]
        dataset_report(info, config, training, len(digests) - len(set(digests))).save(
            folder / REPORT_FILE
        )
    _tell(info, out, run)
    return info


def _count_classes(
    classes: Sequence[str], labels: Sequence[int], splits: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    """Images of each class in train, val and test.

    Raises:
        VitforgeError: if a class has no image in one of them, as a given split may have it.
    """
    counted = Counter(zip(splits, labels, strict=True))
    counts = {
        split: tuple(counted[split, label] for label in range(len(classes)))
        for split in (TRAIN, VAL, TEST)
    }
    for split, row in counts.items():
        missing = [name for name, count in zip(classes, row, strict=True) if count == 0]
        if missing:
            raise VitforgeError(
                f"no readable image in {split} for {len(missing):,} of {len(classes):,} classes: "
                f"{', '.join(missing[:5])}",
                where=split,
                mend=f"add images of these classes to {split}, or remove the folder {split} to "
                "have it drawn",
            )
    return counts


def _describe(
    raw: RawDataset,
    source: str,
    seed: int,
    images: Sequence[CheckedImage],
    splits: Sequence[str],
    counts: dict[str, tuple[int, ...]],
    calibration: int,
    dropped: Sequence[DroppedImage],
) -> DatasetInfo:
    training = [image for image, split in zip(images, splits, strict=True) if split == TRAIN]
    return DatasetInfo(
        name=raw.name,
        source=source,
        classes=raw.classes,
        sizes={split: sum(row) for split, row in counts.items()} | {CALIBRATION: calibration},
        class_counts=counts,
        statistics=pixel_statistics(training),
        fingerprint=fingerprint(
            (image.digest, image.raw.label, split)
            for image, split in zip(images, splits, strict=True)
        ),
        seed=seed,
        dropped=(*dropped, *raw.ignored),
    )


def _tell(info: DatasetInfo, out: Path, run: StepRun) -> None:
    sizes = [info.sizes[split] for split in (TRAIN, VAL, TEST)]
    run.note(
        f"{sum(sizes):,} images, {len(info.classes):,} classes, "
        f"split {'/'.join(str(size) for size in sizes)}"
    )
    if info.dropped:
        run.note(f"{len(info.dropped):,} files dropped; the report lists them")
    run.metrics(
        {f"{split}_images": size for split, size in info.sizes.items()}
        | {"classes": len(info.classes), "dropped_images": len(info.dropped)}
    )
    run.dataset_input(
        info.name,
        info.fingerprint,
        info.source,
        {"sizes": info.sizes, "classes": len(info.classes), "seed": info.seed},
    )
    run.file(out / REPORT_FILE)
