"""Looking at every image once: does it decode, how large is it, what are its pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

from vitforge.artifacts import DroppedImage, ImageStatistics
from vitforge.config import DataConfig
from vitforge.data.look import Look
from vitforge.data.raw import RawDataset, RawImage
from vitforge.data.scan import scan_images
from vitforge.data.thumbs import Thumbnails
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image that decodes.

    Args:
        raw: Where it comes from.
        look: What it is.
        thumb: Row of its thumbnail.
    """

    raw: RawImage
    look: Look
    thumb: int

    @property
    def digest(self) -> str:
        """SHA-256 of the file's bytes, hex."""
        return self.look.digest


def check_images(
    raw: RawDataset,
    config: DataConfig,
    run: StepRun,
    thumbs: Thumbnails | None = None,
    scratch: Path | None = None,
) -> tuple[list[CheckedImage], list[DroppedImage]]:
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
    checked: list[CheckedImage] = []
    dropped = list(raw.dropped)
    for image, (look, thumb) in zip(
        raw.images, scan_images(raw.images, config, run, scratch), strict=True
    ):
        if isinstance(look, str):
            dropped.append(DroppedImage(path=image.id, reason=look))
        else:
            row = 0 if thumbs is None else thumbs.add(thumb)
            checked.append(CheckedImage(image, look, row))
    total = len(raw.images) + len(raw.dropped)
    if len(dropped) > config.max_dropped * total:
        named = "; ".join(f"{image.path} ({image.reason})" for image in dropped[:_SHOWN])
        more = f"; and {len(dropped) - _SHOWN:,} more" if len(dropped) > _SHOWN else ""
        raise VitforgeError(
            f"{len(dropped):,} of {total:,} images cannot be read, over {config.max_dropped:.1%}",
            where=named + more,
            mend="mend or remove these files, or raise data.max_dropped",
        )
    if not checked:
        raise VitforgeError("the data set has no images", where=raw.name)
    if raw.task in ("single_label", "ordinal"):
        _refuse_small(raw.classes, checked, config.min_images_per_class)
    return checked, dropped


def pixel_statistics(images: Sequence[CheckedImage]) -> ImageStatistics:
    """Mean and standard deviation over all pixels of the images summed up, and the median size."""
    summed = [image.look for image in images if image.look.pixels]
    pixels = max(1, sum(look.pixels for look in summed))
    mean = [sum(look.sums[c] for look in summed) / pixels for c in range(3)]
    square = [sum(look.squares[c] for look in summed) / pixels for c in range(3)]
    deviation = [max(s - m * m, 0.0) ** 0.5 for s, m in zip(square, mean, strict=True)]
    return ImageStatistics(
        mean=(mean[0] / 255, mean[1] / 255, mean[2] / 255),
        std=(deviation[0] / 255, deviation[1] / 255, deviation[2] / 255),
        median_width=median_low(image.look.width for image in images),
        median_height=median_low(image.look.height for image in images),
    )


def _refuse_small(classes: Sequence[str], checked: Sequence[CheckedImage], least: int) -> None:
    counts = dict.fromkeys(classes, 0)
    for image in checked:
        counts[image.raw.label] += 1
    small = {name: count for name, count in counts.items() if count < least}
    if small:
        told = ", ".join(f"{name!r} {count}" for name, count in list(small.items())[:_SHOWN])
        more = f" and {len(small) - _SHOWN:,} more" if len(small) > _SHOWN else ""
        raise VitforgeError(
            f"too few readable images in {len(small):,} of {len(counts):,} classes: {told}{more}",
            where=f"class {next(iter(small))!r}",
            mend=f"a class needs {least} or more; add images, or remove the class",
        )
