"""A split decoded once, as bytes ready for batches."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from vitforge.artifacts import Preprocessing
from vitforge.config.data import Task
from vitforge.preprocessing import decode_image, resize_image
from vitforge.splits import open_split
from vitforge.training.cache import open_cache
from vitforge.training.labels import label_tensor

PIECE = 64
"""Images whose files are read at a time."""


@dataclass(frozen=True)
class ImageSet:
    """Decoded images.

    Attributes:
        pixels_NCHW: uint8, RGB; in memory channels come last, as image libraries want them.
        labels_N: As stored: class indices, int64, or float32 rows; see `DatasetInfo`.
        ids: The images' ids, N strings.
    """

    pixels_NCHW: Tensor
    labels_N: Tensor
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def subset(self, index: Sequence[int]) -> "ImageSet":
        """The images at these positions."""
        at = torch.as_tensor(index, dtype=torch.int64)
        pixels_NHWC = self.pixels_NCHW.permute(0, 2, 3, 1)[at]
        return ImageSet(
            pixels_NHWC.permute(0, 3, 1, 2),
            self.labels_N[at],
            tuple(self.ids[i] for i in at.tolist()),
        )


def load_images(
    dataset: Path, split: str, how: Preprocessing, index: Sequence[int] | None = None
) -> ImageSet:
    """Decode and resize a split once, with as many threads as torch has.

    Args:
        dataset: Folder of the dataset artifact.
        split: `train`, `val`, `test` or `calibration`.
        how: Size, resize rule and interpolation; normalising is left to the device.
        index: Rows to take; None takes all.

    Raises:
        VitforgeError: if the split is not there, or the disk has no room for its pixels.
    """
    rows = open_split(dataset, split, get_args(Task))
    if index is not None:
        rows = rows.select(index)
    stored = rows.with_format(None)  # bytes of files: decoding is done in threads

    def read(begin: int) -> list[bytes | Path]:
        found = stored[begin : begin + PIECE]["image"]
        return [image["bytes"] or Path(image["path"]) for image in found]

    return ImageSet(
        decode_images(read, len(rows), how, threads=torch.get_num_threads()),
        label_tensor(rows["label"][:]),
        tuple(str(name) for name in rows["id"][:]),
    )


def decode_images(
    read: Callable[[int], Sequence[bytes | Path]], count: int, how: Preprocessing, *, threads: int
) -> Tensor:
    """Decode and resize image files into a cache.

    Args:
        read: Gives the next `PIECE` files, or what is left of them, from a position on.
        count: Files in all.
        how: Size, resize rule and interpolation.
        threads: How many decode side by side; Pillow lets go of the interpreter's lock.

    Returns:
        uint8, shape (count, 3, image_size, image_size), channels last in memory.

    Raises:
        VitforgeError: if the disk has no room, or a file cannot be decoded.
    """
    pixels_NHWC = open_cache((count, how.image_size, how.image_size, 3), np.uint8, "decoded images")

    def decode(at: int, file: bytes | Path) -> None:
        pixels_NHWC[at] = np.asarray(resize_image(decode_image(file), how))

    with ThreadPoolExecutor(threads) as pool:
        for begin in range(0, count, PIECE):
            files = read(begin)
            for _ in pool.map(decode, range(begin, begin + len(files)), files):
                pass
    return torch.from_numpy(pixels_NHWC).permute(0, 3, 1, 2)
