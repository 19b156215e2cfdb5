"""The data set's report: what is in it, how it looks, how it was split, what was left out."""

from markupsafe import Markup
from PIL import Image

from vitforge.artifacts import CALIBRATION, TEST, TRAIN, VAL, DatasetInfo
from vitforge.config import DataConfig
from vitforge.data.checks import Examined
from vitforge.data.drawings import outlines, stacked_bars
from vitforge.data.examine import Examination
from vitforge.data.page_findings import drift_section, findings_section, histogram_section
from vitforge.preprocessing import decode_image
from vitforge.report import (
    THUMBNAIL,
    Report,
    Section,
    facts,
    image_rows,
    image_wall,
    prose,
    table,
)

_MONTAGE = 200
"""Images shown at most; keeps the page under 2 MB at about 5 kB each."""
_ROW = 10
_BARS = 40
_LISTED = 200
_NAMED = {TRAIN: "training", VAL: "validation", TEST: "test"}


def dataset_report(found: Examination) -> Report:
    """Draw up the report."""
    info, data = found.info, found.data
    duplicates = len(data.images) - len(set(data.images.digests))
    sections = [
        Section("At a glance", _glance(info, duplicates, len(data.near))),
        Section("What the checks found", findings_section(found)),
        Section("What it looks like", _montage(data)),
        *([Section("Classes and splits", _classes(info))] if info.classes else []),
        Section("How it was split", _split(info, data.config)),
        Section("Sizes and light", histogram_section(data)),
        Section("Drift between splits", drift_section(data)),
    ]
    if info.dropped:
        sections.append(Section("What was left out", _dropped(info)))
    total = sum(info.sizes[split] for split in (TRAIN, VAL, TEST))
    counted = f"in {len(info.classes):,} classes" if info.classes else "with a value each"
    return Report(f"Data set {info.name}", f"{total:,} images {counted}", sections)


def _glance(info: DatasetInfo, duplicates: int, near: int) -> str:
    pixels = info.statistics
    return facts(
        {
            "Training": info.sizes[TRAIN],
            "Validation": info.sizes[VAL],
            "Test": info.sizes[TEST],
            "Calibration": info.sizes[CALIBRATION],
            "Classes": len(info.classes),
            "Median size": f"{pixels.median_width} × {pixels.median_height}",
            "Task": info.task,
            "Exact duplicates": duplicates,
            "Near-duplicate pairs": near,
            "Left out": len(info.dropped),
        }
    )


def _montage(data: Examined) -> str:
    """A row of training images for each class; of many classes, one image each."""
    raw = data.images.raw
    names = data.raw.classes or ("",)
    a_class = min(_ROW, max(1, _MONTAGE // len(names)))
    by_class: dict[str, list[Image.Image]] = {name: [] for name in names[:_MONTAGE]}
    training = (row for row, split in enumerate(data.splits) if split == TRAIN)
    for row in sorted(training, key=data.images.digests.__getitem__):
        words = raw.labels[row].split("|") if data.raw.task == "multi_label" else [raw.labels[row]]
        for name in words if data.raw.classes else ("",):
            shown = by_class.get(name)
            if shown is not None and len(shown) < a_class:
                content = raw.read(raw.places[row])
                picture = decode_image(content, data.config.max_pixels, at_least=THUMBNAIL)
                picture.thumbnail((THUMBNAIL, THUMBNAIL))  # 200 photographs would fill the memory
                shown.append(picture)
    if a_class >= _ROW // 2:
        return image_rows(by_class.items(), a_class)
    return image_wall(((shown[0], name) for name, shown in by_class.items() if shown), _ROW)


def _classes(info: DatasetInfo) -> str:
    rows = [
        (name, *(info.class_counts[split][index] for split in (TRAIN, VAL, TEST)))
        for index, name in enumerate(info.classes)
    ]
    listed = table(("Class", "Training", "Validation", "Test"), rows[:_LISTED])
    more = (
        prose(f"{len(rows) - _LISTED:,} more classes are in dataset.json.")
        if len(rows) > _LISTED
        else ""
    )
    return _histogram(info) + listed + more


def _histogram(info: DatasetInfo) -> Markup:
    counts = info.class_counts
    if len(info.classes) <= _BARS:
        parts = {name: counts[split] for split, name in _NAMED.items()}
        return stacked_bars(info.classes, parts, "images", "Images of each class, by split.")
    totals = sorted((sum(row) for row in zip(*counts.values(), strict=True)), reverse=True)
    panel = ("classes, largest first", range(len(totals) + 1), {"all splits": totals})
    return outlines([panel], "images", "Images of each class, largest class first.")


def _split(info: DatasetInfo, config: DataConfig) -> str:
    mean, std = info.statistics.mean, info.statistics.std
    return prose(
        f"Each class gives {config.test_fraction:.0%} of its images to test and "
        f"{config.val_fraction:.0%} to validation, unless the source brings its own splits. The "
        f"draw depends on the images' content and on seed {info.seed}, not on file names or their "
        "order. Calibration images are training images, drawn in the classes' proportions.",
    ) + table(
        ("Property", "Value"),
        [
            ("Source", info.source),
            ("Fingerprint (SHA-256)", info.fingerprint),
            ("Pixel mean, R G B", "  ".join(f"{value:.3f}" for value in mean)),
            ("Pixel deviation, R G B", "  ".join(f"{value:.3f}" for value in std)),
        ],
    )


def _dropped(info: DatasetInfo) -> str:
    rows = [(image.path, image.reason) for image in info.dropped[:_LISTED]]
    more = len(info.dropped) - _LISTED
    return table(("File", "Reason"), rows) + (
        prose(f"{more:,} more are in dataset.json.") if more > 0 else ""
    )
