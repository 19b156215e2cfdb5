"""Writing the dataset artifact: Arrow splits, streamed, and the list of who is where."""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vitforge.artifacts import CALIBRATION, SPLITS, SPLITS_FILE, write_atomically
from vitforge.data.check import CheckedImage
from vitforge.data.raw import RawDataset
from vitforge.errors import VitforgeError
from vitforge.tracking import StepRun

_BATCH = 64
_SHARD = 4096
"""Rows of one Arrow file."""


def write_splits(
    folder: Path,
    raw: RawDataset,
    images: Sequence[CheckedImage],
    splits: Sequence[str],
    calibration: Sequence[int],
    run: StepRun,
) -> None:
    """Write one Arrow folder a split, and `splits.parquet` with a row for each image.

    The files' own bytes are stored, not their pixels. Rows are ordered by content, so the same
    images give the same artifact whatever order they came in. Memory holds one batch of images a
    core.

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
            _write_split(folder / split, raw, [images[row] for row in rows])
        done += len(rows)
        run.progress(done, total, f"{done:,} of {total:,} images written")
    _write_list(folder / SPLITS_FILE, [(images[row], splits[row]) for row in order])


def _write_split(folder: Path, raw: RawDataset, images: Sequence[CheckedImage]) -> None:
    """One split as `save_to_disk` lays it out.

    The library writes the frame of an empty data set; the shards, which it would write twice and
    one after the other, are written beside it, and the frame is made to name them.
    """
    import datasets
    import pyarrow as pa

    features = _features(raw)
    datasets.disable_progress_bars()
    datasets.Dataset(
        datasets.table.InMemoryTable(pa.schema(features.arrow_schema).empty_table()),
        info=datasets.DatasetInfo(features=features),
        fingerprint="0" * 16,
    ).save_to_disk(str(folder))
    for file in folder.glob("*.arrow"):
        file.unlink()
    starts = range(0, len(images), _SHARD)
    names = [f"data-{n:05d}-of-{len(starts):05d}.arrow" for n in range(len(starts))]
    with ThreadPoolExecutor(max(1, min(len(names), len(os.sched_getaffinity(0))))) as pool:
        shards = [
            pool.submit(
                _write_shard, folder / name, raw, images[start : start + _SHARD],
                features.arrow_schema,
            )
            for name, start in zip(names, starts, strict=True)
        ]  # fmt: skip
        for shard in shards:
            shard.result()
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    state["_data_files"] = [{"filename": name} for name in names]
    # Named by content: left to itself, the library would make another name every time.
    rows = "".join(f"{image.digest}{image.raw.label}{image.raw.id}" for image in images)
    state["_fingerprint"] = hashlib.sha256(rows.encode()).hexdigest()[:16]
    write_atomically(folder / "state.json", json.dumps(state, indent=2).encode())


def _write_shard(path: Path, raw: RawDataset, images: Sequence[CheckedImage], schema: Any) -> None:
    import pyarrow as pa

    index = {name: number for number, name in enumerate(raw.classes)}
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as to:
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            contents = pa.array([_same(image) for image in batch], pa.binary())
            fields = [schema.field("image").type.field(n) for n in range(2)]
            parts = [
                contents if field.name == "bytes" else pa.nulls(len(batch), field.type)
                for field in fields
            ]
            columns = {
                "image": pa.StructArray.from_arrays(parts, fields=fields),
                "label": pa.array(
                    [_label(image, raw, index) for image in batch], schema.field("label").type
                ),
                "id": pa.array([image.raw.id for image in batch], pa.string()),
            }
            to.write_batch(pa.record_batch([columns[name] for name in schema.names], schema=schema))


def _features(raw: RawDataset) -> Any:
    import datasets

    label = {
        "multi_label": datasets.List(datasets.Value("float32")),
        "regression": datasets.Value("float32"),
    }.get(raw.task) or datasets.ClassLabel(names=list(raw.classes))
    return datasets.Features(image=datasets.Image(), label=label, id=datasets.Value("string"))


def _label(image: CheckedImage, raw: RawDataset, index: dict[str, int]) -> Any:
    if raw.task == "multi_label":
        return list(image.raw.targets)
    return image.raw.targets[0] if raw.task == "regression" else index[image.raw.label]


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
            "digest": [image.digest for image, _ in rows],
            # A patient's number is nobody's business.
            "group": [_hidden(image.raw.group) for image, _ in rows],
        }
    )
    pq.write_table(table, path)


def _hidden(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest()[:16] if group else ""
