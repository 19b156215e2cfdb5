"""Writing the dataset artifact: Arrow splits, streamed, and the list of who is where."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vitforge.artifacts import CALIBRATION, SPLITS
from vitforge.data.checked import CheckedImages
from vitforge.data.layout import SLICE, split_schema
from vitforge.data.raw import RawDataset, RawImages
from vitforge.data.slices import hidden_name
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun

_SHARD = 1024
"""Rows of one Arrow file."""
_LISTED = 4096
"""Rows of the list that are written at once."""
_ROWS, _BYTES = 64, 8 << 20
"""Most rows of a batch, and the bytes from which on it takes no more."""


def write_shards(
    folder: Path,
    raw: RawDataset,
    images: CheckedImages,
    splits: Sequence[str],
    calibration: Sequence[int],
    run: StepRun,
) -> dict[str, list[Path]]:
    """Write the Arrow files of all splits; those that are there from an earlier run are kept.

    The files' own bytes are stored, not their pixels. Rows are ordered by content, so the same
    images give the same shards whatever order they came in. A shard is named by a digest of what
    is in it. Memory holds one batch of images a core.

    Args:
        folder: Where the shards go; one that was stopped leaves its finished shards there.
        raw: The source.
        images: The readable images.
        splits: Split of each image.
        calibration: Rows set apart for calibration.
        run: The step's run, for progress.

    Returns:
        The shards of each split that has images, in order.

    Raises:
        OSError: if the disk refuses.
        VitforgeError: if a file changed since it was checked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = _by_content(images)
    members = {split: [row for row in order if splits[row] == split] for split in SPLITS}
    chosen = set(calibration)
    members[CALIBRATION] = [row for row in order if row in chosen]
    shards = {
        split: [_Shard(folder, split, raw, images, rows[start : start + _SHARD])
                for start in range(0, len(rows), _SHARD)]
        for split, rows in members.items() if rows
    }  # fmt: skip
    total, done = sum(map(len, members.values())), 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        waiting = [pool.submit(shard.write) for row in shards.values() for shard in row]
        try:
            for shard in waiting:
                done += shard.result()
                run.progress(done, total, f"{done:,} of {total:,} images written")
        except BaseException as error:
            pool.shutdown(cancel_futures=True)
            if isinstance(error, OSError):  # Arrow names no file
                error.filename = error.filename or str(folder)
            raise
    return {split: [shard.path for shard in row] for split, row in shards.items()}


class _Shard:
    """Some rows of a split, in one Arrow file."""

    def __init__(
        self,
        folder: Path,
        split: str,
        raw: RawDataset,
        images: CheckedImages,
        rows: Sequence[int],
    ) -> None:
        self.raw, self.images, self.rows = raw, images, rows
        self.schema = split_schema(raw)
        content = hashlib.sha256(f"{split} {self.schema.metadata}".encode())
        for row in rows:
            words = [images.digests[row], images.raw.labels[row]]
            words += [column[row] for column in _texts(images.raw).values()]
            content.update("\0".join(words).encode() + images.raw.targets[row].tobytes())
        self.path = folder / f"{content.hexdigest()}.arrow"

    def write(self) -> int:
        """Write the file in one move, unless it is there; return its rows."""
        import pyarrow as pa

        if not self.path.exists():
            partial = self.path.with_suffix(".partial")
            with pa.OSFile(str(partial), "wb") as file, pa.ipc.new_stream(file, self.schema) as to:
                for rows, contents in _batches(self.images, self.rows):
                    to.write_batch(self._batch(rows, contents))
            partial.replace(self.path)
        return len(self.rows)

    def _batch(self, rows: Sequence[int], contents: Sequence[bytes]) -> Any:
        import pyarrow as pa

        content, path = self.schema.field("image").type
        image = [pa.array(contents, content.type), pa.nulls(len(rows), path.type)]
        texts = _texts(self.images.raw).values()
        columns = [
            pa.StructArray.from_arrays(image, fields=[content, path]),
            pa.array(self._labels(rows), self.schema.field("label").type),
            *(pa.array([column[row] for row in rows], pa.string()) for column in texts),
        ]
        return pa.record_batch(columns, schema=self.schema)

    def _labels(self, rows: Sequence[int]) -> list[Any]:
        raw = self.images.raw
        if self.raw.task == "multi_label":
            return list(raw.targets[rows].tolist())
        if self.raw.task == "regression":
            return list(raw.targets[rows, 0].tolist())
        index = {name: number for number, name in enumerate(self.raw.classes)}
        return [index[raw.labels[row]] for row in rows]


def _texts(images: RawImages) -> dict[str, Sequence[str]]:
    """The columns of text, as the schema orders them."""
    return {"id": images.ids} | {SLICE + name: column for name, column in images.slices.items()}


def _batches(images: CheckedImages, rows: Sequence[int]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Rows and their files' bytes, a few megabytes at a time."""
    some: list[int] = []
    contents: list[bytes] = []
    for row in rows:
        some.append(row)
        contents.append(_same(images, row))
        if len(some) == _ROWS or sum(map(len, contents)) >= _BYTES:
            yield some, contents
            some, contents = [], []
    if some:
        yield some, contents


def _same(images: CheckedImages, row: int) -> bytes:
    content = images.raw.read(images.raw.places[row])
    if hashlib.sha256(content).hexdigest() != images.digests[row]:
        raise VitforgeError(
            "the image changed while the data was prepared",
            where=images.raw.ids[row],
            mend="run the same command again when nothing writes to the folder",
        )
    return content


def write_list(path: Path, images: CheckedImages, splits: Sequence[str]) -> None:
    """Write `splits.parquet`: a row for each image, ordered by content."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = images.raw
    columns = {"id": raw.ids, "label": raw.labels, "split": splits, "digest": images.digests}
    columns |= {"group": raw.groups} | _texts(raw)
    order = _by_content(images)
    with pq.ParquetWriter(path, pa.schema([(name, pa.string()) for name in columns])) as to:
        for start in range(0, len(order), _LISTED):
            rows = order[start : start + _LISTED]
            part = {name: [column[row] for row in rows] for name, column in columns.items()}
            # A patient's number is nobody's business.
            part["group"] = [hidden_name(group) for group in part["group"]]
            to.write_batch(pa.record_batch(part, schema=to.schema))


def _by_content(images: CheckedImages) -> list[int]:
    """Rows in an order that does not depend on the order they came in."""
    return sorted(range(len(images)), key=lambda row: (images.digests[row], images.raw.ids[row]))
