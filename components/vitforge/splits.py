"""Opening the splits of a dataset artifact."""

from pathlib import Path
from typing import Any

from vitforge.errors import VitforgeError


def open_split(dataset: Path, split: str) -> Any:
    """Open one Arrow split, memory-mapped.

    Args:
        dataset: Folder of the dataset artifact.
        split: `train`, `val`, `test` or `calibration`.

    Returns:
        A `datasets.Dataset` with the columns `image`, `label` and `id`; indexing decodes images
        to PIL RGB.

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
    return datasets.load_from_disk(str(folder))
