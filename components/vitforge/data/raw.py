"""What a source hands over: images not yet looked at."""

from collections.abc import Callable
from dataclasses import dataclass

from vitforge.artifacts import DroppedImage


@dataclass(frozen=True, slots=True)
class RawImage:
    """One image file as the source has it.

    Args:
        id: Unique in the data set, and the same whenever the same source is read.
        label: Class name.
        split: `train`, `val` or `test` where the source gives one, else empty.
        load: Reads the file's bytes; called more than once.
    """

    id: str
    label: str
    split: str
    load: Callable[[], bytes]


@dataclass(frozen=True)
class RawDataset:
    """A source's images, classes in order, and the files that are not images."""

    name: str
    classes: tuple[str, ...]
    images: tuple[RawImage, ...]
    ignored: tuple[DroppedImage, ...] = ()
