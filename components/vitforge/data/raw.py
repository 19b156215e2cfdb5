"""What a source hands over: images not yet looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitforge.artifacts import DroppedImage
from vitforge.config.data import Task


@dataclass(frozen=True, slots=True)
class RawImage:
    """One image file as the source has it.

    Args:
        id: Unique in the data set, and the same whenever the same source is read.
        label: Class name; of multi-label images the positive labels joined by `|`, of a
            regression the value as text.
        split: `train`, `val` or `test` where the source gives one, else empty.
        load: Reads the file's bytes; called more than once.
        group: What must stay in one split, such as a patient's hashed id; empty for none.
        time: When it was taken, as text that sorts by time; empty for unknown.
        targets: Multi-label: a value in [0, 1] for each class, NaN where the loss looks away.
            Regression: the value. Otherwise empty.
        metadata: Further columns of the manifest.
    """

    id: str
    label: str
    split: str
    load: Callable[[], bytes]
    group: str = ""
    time: str = ""
    targets: tuple[float, ...] = ()
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True)
class RawDataset:
    """A source's images, classes in order, and the files that are not images.

    Args:
        name: What to call it.
        classes: Class names in order; empty for a regression.
        images: The images.
        ignored: Files that were never meant to be images.
        task: What the labels are.
        found: How the task was found, one sentence; empty where it is plain.
        dropped: Images lost before they were read, such as rows without a label.
    """

    name: str
    classes: tuple[str, ...]
    images: tuple[RawImage, ...]
    ignored: tuple[DroppedImage, ...] = ()
    task: Task = "single_label"
    found: str = ""
    dropped: tuple[DroppedImage, ...] = ()
