"""The images that candidates are measured on: a part of the training split, never val or test."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitforge.artifacts import TRAIN, DatasetInfo, Preprocessing
from vitforge.errors import VitforgeError
from vitforge.training.images import ImageSet, load_images

HELD_OUT = 1 / 3
"""Share of the sample that answers are scored on."""


@dataclass(frozen=True)
class Sample:
    """Rows of the training split.

    Attributes:
        fit: Rows to learn from.
        held_out: Rows to be scored on.
    """

    fit: tuple[int, ...]
    held_out: tuple[int, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """All rows; frozen features are judged by cross-validation, which holds out by itself."""
        return self.held_out + self.fit

    def load(
        self, dataset: Path, fit_how: Preprocessing, how: Preprocessing
    ) -> tuple[ImageSet, ImageSet]:
        """Decode both parts."""
        return (
            load_images(dataset, TRAIN, fit_how, self.fit),
            load_images(dataset, TRAIN, how, self.held_out),
        )


def draw_sample(info: DatasetInfo, size: int, seed: int) -> Sample:
    """Draw rows evenly at random; every candidate sees the same ones.

    Raises:
        VitforgeError: if the training split is too small to hold any out.
    """
    there = info.sizes[TRAIN]
    rows = np.random.default_rng(seed).permutation(there)[:size].tolist()
    held_out = round(len(rows) * HELD_OUT)
    if held_out < 1 or held_out == len(rows):
        raise VitforgeError(
            f"{there} training images are too few to measure candidates on",
            where="selection.sample_images",
            mend="add images, or name one with the key backbone",
        )
    return Sample(fit=tuple(rows[held_out:]), held_out=tuple(rows[:held_out]))
