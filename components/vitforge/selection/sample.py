"""The images that candidates are measured on: a part of the training split, never val or test."""

import functools
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


class SampleImages:
    """The sample's images, decoded once for all candidates that want them alike.

    Args:
        dataset: Folder of the dataset artifact.
        sample: Which rows.
    """

    def __init__(self, dataset: Path, sample: Sample) -> None:
        self._dataset, self._sample = dataset, sample
        # Both parts at a candidate's size, one more at the training's: the next size drops them.
        self._decoded = functools.lru_cache(maxsize=3)(self._decode)

    def fit(self, how: Preprocessing) -> ImageSet:
        """The rows to learn from."""
        return self._decoded(self._sample.fit, _unscaled(how))

    def held_out(self, how: Preprocessing) -> ImageSet:
        """The rows to be scored on."""
        return self._decoded(self._sample.held_out, _unscaled(how))

    def _decode(self, rows: tuple[int, ...], how: Preprocessing) -> ImageSet:
        return load_images(self._dataset, TRAIN, how, rows)


def _unscaled(how: Preprocessing) -> Preprocessing:
    """Without mean and spread, which differ between backbones and do not touch decoding."""
    return how.model_copy(update={"mean": (0.0,) * 3, "std": (1.0,) * 3})


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
