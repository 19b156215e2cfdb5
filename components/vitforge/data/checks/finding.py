"""What every check is given, and the one shape that it answers in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vitforge.artifacts import DroppedImage
from vitforge.config import DataConfig
from vitforge.data.checked import CheckedImages
from vitforge.data.raw import RawDataset

SHOWN = 8
"""Examples that a finding shows at most."""


@dataclass(frozen=True)
class Examined:
    """A data set that has been read, compared and split, but not written.

    Args:
        source: As people named it.
        raw: The source.
        config: The section `data`.
        images: The readable images.
        splits: Split of each image.
        near: Pairs of rows that show one picture in different bytes.
        dropped: The images that cannot be read.
    """

    source: str
    raw: RawDataset
    config: DataConfig
    images: CheckedImages
    splits: Sequence[str]
    near: Sequence[tuple[int, int]]
    dropped: Sequence[DroppedImage]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Args:
        check: Its name, a few words.
        severity: A `failure` stops the pipeline; a `warning` is for a person to judge; a `note`
            is worth knowing.
        count: Images, pairs or classes concerned.
        cause: One sentence.
        mend: The command or the change that mends it.
        where: The first file or class concerned.
        examples: The worst first: rows of images to be shown side by side.
    """

    check: str
    severity: Literal["failure", "warning", "note"]
    count: int
    cause: str
    mend: str = ""
    where: str = ""
    examples: tuple[tuple[int, ...], ...] = ()


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 image`, `1,200 images`.

    Args:
        number: How many.
        thing: One of them.
        things: Several of them; empty adds an s.
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def leak_mend(data: Examined) -> str:
    """The command that takes the copies out of the earlier split."""
    return (
        f"vitforge check-data {data.source} -s leaked=drop; in a config, data.leaked: drop: "
        "what is also in a later split is left out of the earlier one"
    )


def crossing(data: Examined, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs that lie in two splits."""
    return [(a, b) for a, b in pairs if data.splits[a] != data.splits[b]]
