"""Splits that somebody has decided already: an earlier run's, or a benchmark's official lists."""

from collections.abc import Mapping
from pathlib import Path

from vitforge.artifacts import TRAIN
from vitforge.data.checked import CheckedImages
from vitforge.data.split_names import split_name
from vitforge.errors import VitforgeError


def pinned_splits(file: str, images: CheckedImages) -> list[str]:
    """The split of each image in an earlier run's `splits.parquet`.

    Images are known again by their content, so files may have been renamed.

    Raises:
        VitforgeError: if the file cannot be read, or does not list exactly these images.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file, columns=["id", "digest", "split"])
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise VitforgeError(
            f"the list of splits cannot be read: {error}",
            where=file,
            mend="name the splits.parquet of a prepared data set in data.splits_file",
        ) from None
    ids, digests, splits = (table[name].to_pylist() for name in ("id", "digest", "split"))
    exact = dict(zip(zip(digests, ids, strict=True), splits, strict=True))
    content = dict(zip(digests, splits, strict=True))
    here = list(zip(images.digests, images.raw.ids, strict=True))
    new = [name for digest, name in here if digest not in content]
    gone = content.keys() - set(images.digests)
    if new or gone:
        raise VitforgeError(
            f"{len(new):,} images are not in the list, and {len(gone):,} of the list are not here",
            where=f"{file}: {new[0] if new else min(gone)}",
            mend="take the data that the list was made from, or draw a new split",
        )
    return [exact[key] if key in exact else content[key[0]] for key in here]


def official_splits(lists: Mapping[str, str], images: CheckedImages) -> list[str]:
    """The split of each image by lists of one path or file name a line.

    Args:
        lists: Path of the list of each split; images in none are training images, unless there
            is a list of those.
        images: The readable images.

    Raises:
        VitforgeError: if a list cannot be read, names no image that is here, or an image is in
            two lists.
    """
    listed: dict[str, str] = {}
    for word, file in lists.items():
        split = split_name(word, "data.official_lists")
        try:
            lines = Path(file).expanduser().read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise VitforgeError(f"the list cannot be read: {error.strerror}", where=file) from None
        for line in filter(None, map(str.strip, lines)):
            if listed.setdefault(line, split) != split:
                raise VitforgeError(f"{line} is in {listed[line]} and in {split}", where=file)
    rest = "" if TRAIN in listed.values() else TRAIN
    found = [
        listed.get(name) or listed.get(name.rsplit("/", 1)[-1]) or rest for name in images.raw.ids
    ]
    if not set(found) - {rest}:
        raise VitforgeError(
            "the lists name no image of the data set",
            where=next(iter(lists.values())),
            mend=f"write one path a line, such as {images.raw.ids[0]}",
        )
    return found
