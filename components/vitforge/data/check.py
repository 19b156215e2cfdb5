"""Looking at every image once: does it decode, how large is it, what are its pixels."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from vitforge.artifacts import DroppedImage, ImageStatistics
from vitforge.config import DataConfig
from vitforge.data.checked import CheckedImages, Numbers
from vitforge.data.look import Look
from vitforge.data.raw import RawDataset
from vitforge.data.scan import scan_images
from vitforge.data.thumbs import Thumbnails
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun

_SHOWN = 5


def check_images(
    raw: RawDataset,
    config: DataConfig,
    run: StepRun,
    thumbs: Thumbnails | None = None,
    scratch: Path | None = None,
) -> tuple[CheckedImages, list[DroppedImage]]:
    """Decode every image, and refuse a data set that is too small or too damaged.

    Args:
        raw: The source.
        config: The section `data`.
        run: The step's run, for progress.
        thumbs: Takes the thumbnails; None drops them.
        scratch: Folder that finished parts are kept in, for a later run to go on from.

    Returns:
        The images that decode, and the others with the reason.

    Raises:
        VitforgeError: if more than `max_dropped` of the images do not decode, or a class has fewer
            than `min_images_per_class` that do.
    """
    dropped = list(raw.dropped)

    def readable() -> Iterator[tuple[int, Look, int]]:
        for row, (look, thumb) in enumerate(scan_images(raw.images, config, run, scratch)):
            if isinstance(look, str):
                dropped.append(DroppedImage(path=raw.images.ids[row], reason=look))
            else:
                yield row, look, 0 if thumbs is None else thumbs.add(thumb)

    checked = CheckedImages.gather(raw.images, readable())
    total = len(raw.images) + len(raw.dropped)
    if len(dropped) > config.max_dropped * total:
        named = "; ".join(f"{image.path} ({image.reason})" for image in dropped[:_SHOWN])
        more = f"; and {len(dropped) - _SHOWN:,} more" if len(dropped) > _SHOWN else ""
        raise VitforgeError(
            f"{len(dropped):,} of {total:,} images cannot be read, over {config.max_dropped:.1%}",
            where=named + more,
            mend="mend or remove these files, or raise data.max_dropped",
        )
    if not len(checked):
        raise VitforgeError("the data set has no images", where=raw.name)
    if raw.task in ("single_label", "ordinal"):
        _refuse_small(raw.classes, checked.raw.labels, config.min_images_per_class)
    return checked, dropped


def pixel_statistics(images: CheckedImages, rows: Sequence[int]) -> ImageStatistics:
    """Mean and standard deviation over all pixels that were summed up, and the median size.

    Args:
        images: The readable images.
        rows: Those to go by.
    """
    pixels, *sums = images.sums[rows].sum(axis=0)
    mean, square = np.reshape(sums, (2, 3)) / max(1.0, pixels)
    red, green, blue = (mean / 255).tolist()
    deviation = np.sqrt(np.maximum(square - mean * mean, 0.0)) / 255
    return ImageStatistics(
        mean=(red, green, blue),
        std=tuple(deviation.tolist()),
        median_width=_median(images.widths[rows]),
        median_height=_median(images.heights[rows]),
    )


def _median(sizes: Numbers) -> int:
    """The middle one, of an even number the lower: a size that an image has."""
    return int(np.sort(sizes)[(len(sizes) - 1) // 2])


def _refuse_small(classes: Sequence[str], labels: Sequence[str], least: int) -> None:
    counts = Counter(labels)
    small = {name: counts[name] for name in classes if counts[name] < least}
    if small:
        told = ", ".join(f"{name!r} {count}" for name, count in list(small.items())[:_SHOWN])
        more = f" and {len(small) - _SHOWN:,} more" if len(small) > _SHOWN else ""
        raise VitforgeError(
            f"too few readable images in {len(small):,} of {len(classes):,} classes: {told}{more}",
            where=f"class {next(iter(small))!r}",
            mend=f"a class needs {least} or more; add images, or remove the class",
        )
