"""The images that decode, as columns: what the source says of them, and what they are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from sys import intern

import numpy as np
from numpy.typing import NDArray

from vitforge.data.look import Look
from vitforge.data.raw import RawImage, RawImages

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image that decodes: a row of `CheckedImages`.

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


@dataclass(frozen=True, eq=False)
class CheckedImages:
    """Images that decode; every column has a value for each, in the words and units of `Look`.

    Args:
        raw: Where they come from.
        digests: SHA-256 of each file's bytes, hex.
        kinds: Format and colour space of each.
        measures: Float64, shape (images, 12): the numbers of `Look`, in its order.
        thumbs: Row of each one's thumbnail.
    """

    raw: RawImages
    digests: Sequence[str]
    kinds: Sequence[str]
    measures: Numbers
    thumbs: NDArray[np.int64]

    @classmethod
    def gather(cls, raw: RawImages, looks: Iterable[tuple[int, Look, int]]) -> "CheckedImages":
        """Columns from a stream of looks.

        Args:
            raw: All images of the source.
            looks: Row in `raw`, look and thumbnail of each image that decodes.
        """
        rows: list[int] = []
        digests: list[str] = []
        kinds: list[str] = []
        measures = np.zeros((len(raw), 12))
        thumbs = np.zeros(len(raw), dtype=np.int64)
        for row, look, thumb in looks:
            sums = (*look.sums, *look.squares) or (0.0,) * 6
            measures[len(rows)] = (
                look.width, look.height, look.brightness, look.contrast, look.sharpness,
                look.pixels, *sums,
            )  # fmt: skip
            thumbs[len(rows)] = thumb
            rows.append(row)
            digests.append(look.digest)
            kinds.append(intern(look.kind))
        kept = raw if len(rows) == len(raw) else raw.take(rows)
        return cls(kept, digests, kinds, measures[: len(rows)], thumbs[: len(rows)])

    @property
    def widths(self) -> Numbers:
        """Pixels, upright."""
        return self.measures[:, 0]

    @property
    def heights(self) -> Numbers:
        """Pixels, upright."""
        return self.measures[:, 1]

    @property
    def short_sides(self) -> Numbers:
        """Pixels."""
        return np.minimum(self.widths, self.heights)

    @property
    def brightness(self) -> Numbers:
        """Mean luminance, [0, 255]."""
        return self.measures[:, 2]

    @property
    def contrast(self) -> Numbers:
        """Standard deviation of luminance, [0, 128]."""
        return self.measures[:, 3]

    @property
    def sharpness(self) -> Numbers:
        """Variance of the Laplacian of luminance over that of luminance, 0 or more."""
        return self.measures[:, 4]

    @property
    def sums(self) -> Numbers:
        """Pixels that were summed up, sums of R, G, B, and of their squares; shape (images, 7)."""
        return self.measures[:, 5:]

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, row: int) -> CheckedImage:
        width, height, brightness, contrast, sharpness, pixels, *sums = self.measures[row].tolist()
        look = Look(
            self.digests[row], int(width), int(height), self.kinds[row], brightness, contrast,
            sharpness, int(pixels), tuple(sums[:3]), tuple(sums[3:]),
        )  # fmt: skip
        return CheckedImage(self.raw[row], look, int(self.thumbs[row]))

    def __iter__(self) -> Iterator[CheckedImage]:
        return (self[row] for row in range(len(self)))

    def take(self, rows: Sequence[int]) -> "CheckedImages":
        """These rows, in this order."""
        index = np.asarray(rows, dtype=np.int64)
        return CheckedImages(
            self.raw.take(rows),
            [self.digests[row] for row in rows],
            [self.kinds[row] for row in rows],
            self.measures[index],
            self.thumbs[index],
        )
