"""A split decoded once, as bytes ready for batches."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vitforge.artifacts import Preprocessing
from vitforge.preprocessing import resize_image
from vitforge.splits import open_split

IN_MEMORY = 2 * 1024**3
"""Bytes above which the decoded pixels live in a temporary file."""


@dataclass(frozen=True)
class ImageSet:
    """Decoded images.

    Attributes:
        pixels_NCHW: uint8, RGB.
        labels_N: Class indices, int64.
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
        return ImageSet(
            self.pixels_NCHW[at], self.labels_N[at], tuple(self.ids[i] for i in at.tolist())
        )


def load_images(
    dataset: Path, split: str, how: Preprocessing, index: Sequence[int] | None = None
) -> ImageSet:
    """Decode and resize a split once.

    Args:
        dataset: Folder of the dataset artifact.
        split: `train`, `val`, `test` or `calibration`.
        how: Size, resize rule and interpolation; normalising is left to the device.
        index: Rows to take; None takes all.

    Raises:
        VitforgeError: if the split is not there.
    """
    rows = open_split(dataset, split)
    if index is not None:
        rows = rows.select(index)
    pixels = _allocate((len(rows), 3, how.image_size, how.image_size))
    for at, row in enumerate(rows):
        image = resize_image(row["image"], how)
        pixels[at] = np.asarray(image, dtype=np.uint8).transpose(2, 0, 1)
    return ImageSet(
        torch.from_numpy(pixels),
        torch.as_tensor(rows["label"][:], dtype=torch.int64),
        tuple(str(name) for name in rows["id"][:]),
    )


def _allocate(shape: tuple[int, ...]) -> Any:
    if np.prod(shape, dtype=np.int64) <= IN_MEMORY:
        return np.empty(shape, dtype=np.uint8)
    # Nameless at once: the space is given back when the process ends, however it ends.
    with tempfile.NamedTemporaryFile(prefix="vitforge-pixels-") as file:
        return np.memmap(file.name, dtype=np.uint8, mode="w+", shape=shape)
