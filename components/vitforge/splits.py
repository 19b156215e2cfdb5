"""Opening the splits of a dataset artifact."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vitforge.artifacts import DATASET_FILE, DatasetInfo
from vitforge.config.data import Task
from vitforge.errors import VitforgeError
from vitforge.preprocessing import decode_image


def open_split(dataset: Path, split: str, tasks: Sequence[Task] = ("single_label",)) -> Any:
    """Open one Arrow split, memory-mapped.

    Args:
        dataset: Folder of the dataset artifact.
        split: `train`, `val`, `test` or `calibration`.
        tasks: What the caller can learn from.

    Returns:
        A `datasets.Dataset` with the columns `image`, `label` and `id`. Indexing decodes images to
        upright PIL RGB with `decode_image`, as the server does: a second way of decoding would
        be a second model.

    Raises:
        VitforgeError: if the split is not there, or its task is none of `tasks`.
    """
    import datasets

    _refuse_other_tasks(dataset / DATASET_FILE, tasks)
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


def _refuse_other_tasks(path: Path, tasks: Sequence[Task]) -> None:
    task = DatasetInfo.load(path).task if path.exists() else tasks[0]
    if task not in tasks:
        raise VitforgeError(
            f"the data set's task is {task}, and this step knows {', '.join(tasks)} only",
            where=str(path),
            mend="prepare the data with data.task: single_label; `vitforge check-data` takes any",
        )


def _decode(batch: dict[str, Any]) -> dict[str, Any]:
    if "image" not in batch:  # other columns were asked for
        return batch
    return {"image": [_open(stored) for stored in batch["image"]]}


def _open(stored: dict[str, Any]) -> Any:
    return decode_image(stored["bytes"] or Path(stored["path"]))
