"""Looking at every image once: does it decode, how large is it, what are its pixels."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median_low

from PIL import ImageStat

from vitforge.artifacts import DroppedImage, ImageStatistics
from vitforge.config import DataConfig
from vitforge.data.raw import RawDataset, RawImage
from vitforge.errors import VitforgeError
from vitforge.preprocessing import decode_image
from vitforge.tracking import StepRun

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image that decodes.

    Args:
        raw: Where it comes from.
        digest: SHA-256 of the file's bytes, hex.
        width: Pixels.
        height: Pixels.
        sums: Sum of R, G, B over the pixels, each in [0, 255].
        squares: Sum of their squares.
    """

    raw: RawImage
    digest: str
    width: int
    height: int
    sums: tuple[float, ...]
    squares: tuple[float, ...]


def check_images(
    raw: RawDataset, config: DataConfig, run: StepRun
) -> tuple[list[CheckedImage], list[DroppedImage]]:
    """Decode every image, and refuse a data set that is too small or too damaged.

    Returns:
        The images that decode, and the others with the reason.

    Raises:
        VitforgeError: if more than `max_dropped` of the images do not decode, or a class has fewer
            than `min_images_per_class` that do.
    """
    checked: list[CheckedImage] = []
    dropped: list[DroppedImage] = []
    total = len(raw.images)
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        results = pool.map(lambda image: _look(image, config.max_pixels), raw.images)
        for done, result in enumerate(results, 1):
            if isinstance(result, CheckedImage):
                checked.append(result)
            else:
                dropped.append(result)
            run.progress(done, total, f"{done:,} of {total:,} images read")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if len(dropped) > config.max_dropped * total:
        named = "; ".join(f"{image.path} ({image.reason})" for image in dropped[:_SHOWN])
        more = f"; and {len(dropped) - _SHOWN:,} more" if len(dropped) > _SHOWN else ""
        raise VitforgeError(
            f"{len(dropped):,} of {total:,} images cannot be read, over {config.max_dropped:.1%}",
            where=named + more,
            mend="mend or remove these files, or raise data.max_dropped",
        )
    _refuse_small(raw.classes, checked, config.min_images_per_class)
    return checked, dropped


def pixel_statistics(images: Sequence[CheckedImage]) -> ImageStatistics:
    """Mean and standard deviation over all pixels of all images, and the median size."""
    pixels = sum(image.width * image.height for image in images)
    mean = [sum(image.sums[c] for image in images) / pixels for c in range(3)]
    square = [sum(image.squares[c] for image in images) / pixels for c in range(3)]
    deviation = [max(s - m * m, 0.0) ** 0.5 for s, m in zip(square, mean, strict=True)]
    return ImageStatistics(
        mean=(mean[0] / 255, mean[1] / 255, mean[2] / 255),
        std=(deviation[0] / 255, deviation[1] / 255, deviation[2] / 255),
        median_width=median_low(image.width for image in images),
        median_height=median_low(image.height for image in images),
    )


def _look(raw: RawImage, max_pixels: int) -> CheckedImage | DroppedImage:
    try:
        content = raw.load()
        image = decode_image(content, max_pixels)
    except VitforgeError as error:
        return DroppedImage(path=raw.id, reason=error.cause)
    except OSError as error:
        return DroppedImage(path=raw.id, reason=error.strerror or str(error))
    pixels = ImageStat.Stat(image)
    return CheckedImage(
        raw,
        hashlib.sha256(content).hexdigest(),
        image.width,
        image.height,
        tuple(pixels.sum),
        tuple(pixels.sum2),
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
