"""Writing the dataset artifact: Arrow splits, the split's list, and the whole in one move."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from vitforge.artifacts import CALIBRATION, SPLITS, SPLITS_FILE
from vitforge.data.check import CheckedImage
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun

_BATCH = 256


def write_splits(
    folder: Path,
    images: Sequence[CheckedImage],
    splits: Sequence[str],
    calibration: Sequence[int],
    classes: Sequence[str],
    run: StepRun,
) -> None:
    """Write one Arrow folder a split, and `splits.parquet` with a row for each image.

    The files' own bytes are stored, not their pixels. Rows are ordered by content, so the same
    images give the same artifact whatever order they came in.

    Raises:
        OSError: if the disk refuses.
        VitforgeError: if a file changed since it was checked.
    """
    order = sorted(range(len(images)), key=lambda row: (images[row].digest, images[row].raw.id))
    members = {split: [row for row in order if splits[row] == split] for split in SPLITS}
    chosen = set(calibration)
    members[CALIBRATION] = [row for row in order if row in chosen]
    total, done = sum(len(rows) for rows in members.values()), 0
    for split, rows in members.items():
        if rows:  # calibration may be off, and an empty saved split cannot be loaded
            _write_split(folder / split, [images[row] for row in rows], classes)
        done += len(rows)
        run.progress(done, total, f"{done:,} of {total:,} images written")
    _write_list(folder / SPLITS_FILE, [(images[row], splits[row]) for row in order])


def _write_split(folder: Path, images: Sequence[CheckedImage], classes: Sequence[str]) -> None:
    """One split through `save_to_disk`; streamed, so memory holds one batch of images."""
    import datasets
    import pyarrow as pa
    from datasets.table import MemoryMappedTable

    features = datasets.Features(
        image=datasets.Image(),
        label=datasets.ClassLabel(names=list(classes)),
        id=datasets.Value("string"),
    )
    index = {name: number for number, name in enumerate(classes)}
    stream = folder.with_suffix(".arrows")
    with pa.OSFile(str(stream), "wb") as file, pa.ipc.new_stream(file, features.arrow_schema) as to:
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            columns = {
                "image": [{"bytes": _same(image), "path": None} for image in batch],
                "label": [index[image.raw.label] for image in batch],
                "id": [image.raw.id for image in batch],
            }
            to.write_batch(pa.record_batch(columns, schema=features.arrow_schema))
    datasets.disable_progress_bars()
    rows = "".join(f"{image.digest}{image.raw.label}{image.raw.id}" for image in images)
    # Named by content: left to itself, the library would make another name every time.
    fingerprint = hashlib.sha256(rows.encode()).hexdigest()[:16]
    datasets.Dataset(
        MemoryMappedTable.from_file(str(stream)),
        info=datasets.DatasetInfo(features=features),
        fingerprint=fingerprint,
    ).save_to_disk(str(folder))
    stream.unlink()


def _same(image: CheckedImage) -> bytes:
    content = image.raw.load()
    if hashlib.sha256(content).hexdigest() != image.digest:
        raise VitforgeError(
            "the image changed while the data was prepared",
            where=image.raw.id,
            mend="run the same command again when nothing writes to the folder",
        )
    return content


def _write_list(path: Path, rows: Sequence[tuple[CheckedImage, str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "id": [image.raw.id for image, _ in rows],
            "label": [image.raw.label for image, _ in rows],
            "split": [split for _, split in rows],
        }
    )
    pq.write_table(table, path)
