"""What a source hands over: images not yet looked at, a column for each thing known of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import DroppedImage
from vitforge.config.data import Task


@dataclass(frozen=True, slots=True)
class RawImage:
    """One image file as the source has it: a row of `RawImages`, whose words it uses."""

    id: str
    label: str
    split: str
    load: Callable[[], bytes]
    group: str = ""
    time: str = ""
    targets: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class RawImages:
    """Images as columns: an object for each of a million images would be gigabytes.

    Args:
        read: Reads the bytes of an image from its place; called more than once for each.
        ids: Unique in the data set, and the same whenever the same source is read.
        labels: Class names; of multi-label images the positive labels joined by `|`, of a
            regression the values as text.
        splits: `train`, `val` or `test` where the source gives one, else empty.
        groups: What must stay in one split, such as a patient's hashed id; empty for none.
        times: When it was taken, as text that sorts by time; empty for unknown.
        places: Where the bytes lie, for `read`; left out, the ids.
        targets: Float64, shape (images, n). Multi-label: a value in [0, 1] for each class, NaN
            where the loss looks away. Regression: the value, n = 1. Otherwise n = 0.
        metadata: Further columns of the source, by name.
        slices: Columns that evaluation reports by, by name.
    """

    read: Callable[[str], bytes]
    ids: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[str] = ()
    groups: Sequence[str] = ()
    times: Sequence[str] = ()
    places: Sequence[str] = ()
    targets: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    metadata: Mapping[str, Sequence[str]] = field(default_factory=dict)
    slices: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        blank = [""] * len(self.ids)
        for name in ("splits", "groups", "times"):
            object.__setattr__(self, name, getattr(self, name) or blank)
        object.__setattr__(self, "places", self.places or self.ids)
        if not len(self.targets):
            object.__setattr__(self, "targets", np.empty((len(self.ids), 0)))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> RawImage:
        return RawImage(
            self.ids[row],
            self.labels[row],
            self.splits[row],
            partial(self.read, self.places[row]),
            self.groups[row],
            self.times[row],
            tuple(self.targets[row].tolist()),
        )

    def __iter__(self) -> Iterator[RawImage]:
        return (self[row] for row in range(len(self)))

    def take(self, rows: Sequence[int]) -> "RawImages":
        """These rows, in this order."""

        def some(column: Sequence[str]) -> list[str]:
            return [column[row] for row in rows]

        ids = some(self.ids)
        return replace(
            self,
            ids=ids,
            labels=some(self.labels),
            splits=some(self.splits),
            groups=some(self.groups),
            times=some(self.times),
            places=ids if self.places is self.ids else some(self.places),
            targets=self.targets[np.asarray(rows, dtype=np.int64)],
            metadata={name: some(column) for name, column in self.metadata.items()},
            slices={name: some(column) for name, column in self.slices.items()},
        )


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
    images: RawImages
    ignored: tuple[DroppedImage, ...] = ()
    task: Task = "single_label"
    found: str = ""
    dropped: tuple[DroppedImage, ...] = ()
