"""The folder that `datasets.load_from_disk` opens.

Written here: the library's import costs a second, and its writer copies every image twice.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vitforge.artifacts import write_atomically
from vitforge.data.raw import RawDataset

SLICE = "slice_"
_TEXT = {"dtype": "string", "_type": "Value"}
_VALUE = {"dtype": "float32", "_type": "Value"}


def split_schema(raw: RawDataset) -> Any:
    """Arrow schema of a split, with the library's features as its metadata."""
    import pyarrow as pa

    labels = {"multi_label": pa.list_(pa.float32()), "regression": pa.float32()}
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    names = ["id", *(SLICE + name for name in raw.images.slices)]
    return pa.schema(
        [
            ("image", image),
            ("label", labels.get(raw.task, pa.int64())),
            *((name, pa.string()) for name in names),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": _features(raw, names)}})},
    )


def _features(raw: RawDataset, texts: Sequence[str]) -> dict[str, Any]:
    labels: dict[str, Any] = {
        "multi_label": {"feature": _VALUE, "_type": "List"},
        "regression": _VALUE,
    }
    label = labels.get(raw.task, {"names": list(raw.classes), "_type": "ClassLabel"})
    return {"image": {"_type": "Image"}, "label": label} | dict.fromkeys(texts, _TEXT)


def lay_out(folder: Path, schema: Any, shards: Sequence[Path]) -> None:
    """Move finished shards into a split's folder, and write the files that name them.

    Args:
        folder: The split's folder.
        schema: As `split_schema` makes it.
        shards: Arrow stream files, each named by a digest of its content.
    """
    folder.mkdir()
    names = [f"data-{n:05d}-of-{len(shards):05d}.arrow" for n in range(len(shards))]
    for shard, name in zip(shards, names, strict=True):
        shard.replace(folder / name)
    info = json.loads(schema.metadata[b"huggingface"])["info"]
    # The cache's name for the rows; by content, so that the same rows give the same folder.
    content = hashlib.sha256("".join(shard.stem for shard in shards).encode()).hexdigest()
    state: dict[str, Any] = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": content[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    for name, told in (("dataset_info.json", info), ("state.json", state)):
        write_atomically(folder / name, json.dumps(told, indent=2).encode())
