"""Opening the splits of a dataset artifact."""

from pathlib import Path
from typing import Any

from vitforge.errors import VitforgeError
from vitforge.preprocessing import decode_image


def open_split(dataset: Path, split: str) -> Any:
    """Open one Arrow split, memory-mapped.

    Args:
        dataset: Folder of the dataset artifact.
        split: `train`, `val`, `test` or `calibration`.

    Returns:
        A `datasets.Dataset` with the columns `image`, `label` and `id`. Indexing decodes images to
        upright PIL RGB with `decode_image`, as the server does: a second way of decoding would
        be a second model.

    Raises:
        VitforgeError: if the split is not there.
    """
    import datasets

    folder = dataset / split
    if not folder.is_dir():
        raise VitforgeError(
            f"the data set has no split {split!r}",
            where=str(dataset),
            mend="prepare the data again: vitforge run CONFIG --fresh",
        )
    rows = datasets.load_from_disk(str(folder))
    rows = rows.cast_column("image", datasets.Image(decode=False))
    return rows.with_transform(_decode, columns=["image"], output_all_columns=True)


def _decode(batch: dict[str, Any]) -> dict[str, Any]:
    if "image" not in batch:  # other columns were asked for
        return batch
    return {"image": [_open(stored) for stored in batch["image"]]}


def _open(stored: dict[str, Any]) -> Any:
    return decode_image(stored["bytes"] or Path(stored["path"]))
