"""Hugging Face data sets: from the hub, or from a folder that `save_to_disk` wrote."""

import difflib
import os
from functools import partial
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np

from vitforge.artifacts import TEST, TRAIN, VAL, DroppedImage
from vitforge.config import DataConfig
from vitforge.data.cells import to_cell
from vitforge.data.labels import Cell, Labels, read_labels
from vitforge.data.manifest import GROUPS, usual_column
from vitforge.data.raw import RawDataset, RawImages
from vitforge.data.slices import check_slices, read_slices
from vitforge.errors import VitforgeError

TIMEOUT = 5.0
"""Seconds to wait for the hub's first answer."""
WAYS_OUT = (
    "give a local folder or digits as dataset, point HF_ENDPOINT at a mirror, set "
    "HF_HUB_OFFLINE=1 to use what is cached, or copy the folder that save_to_disk wrote elsewhere"
)
_SPLITS = {"train": TRAIN, "validation": VAL, "valid": VAL, "val": VAL, "test": TEST}


def read_hub(name: str, config: DataConfig | None = None) -> RawDataset:
    """Fetch a data set from the hub, or take it from the cache when `HF_HUB_OFFLINE` is set.

    Args:
        name: Hub id, `OWNER/NAME`.

    Raises:
        VitforgeError: if the hub cannot be reached or has no such data set, or the data set has
            no images with one class each.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.constants import is_offline_mode
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    where = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        if not is_offline_mode():
            # Asked first: load_dataset itself retries an absent hub for minutes.
            HfApi().dataset_info(name, timeout=TIMEOUT)
        import datasets

        loaded = datasets.load_dataset(name)
    except GatedRepoError:
        raise VitforgeError(
            f"{name} is gated", where=name, mend="accept its terms and set HF_TOKEN"
        ) from None
    except RepositoryNotFoundError:
        raise VitforgeError(
            f"the hub has no data set {name!r}", where=where, mend="check the name"
        ) from None
    except Exception as error:
        # The client's own exceptions are httpx's, httpx2's or requests', by release.
        if not isinstance(error, (HfHubHTTPError, OSError)) and "http" not in _home(error):
            raise
        raise VitforgeError(
            f"the hub cannot be reached for {name} ({type(error).__name__})",
            where=where,
            mend=_near_folder(name) + WAYS_OUT,
        ) from None
    return _read(loaded, name, config or DataConfig())


def _near_folder(name: str) -> str:
    """A hub id may be a misspelt path: name the folder that was meant, if one is near."""
    first, _, rest = name.partition("/")
    folders = [child.name for child in Path().iterdir() if child.is_dir()]
    near = difflib.get_close_matches(first, folders, n=1, cutoff=0.75)
    return f"did you mean the folder {near[0]}/{rest}? Otherwise: " if near else ""


def read_saved(folder: Path, config: DataConfig | None = None) -> RawDataset:
    """Open a folder that `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote.

    Raises:
        VitforgeError: if it cannot be opened, or has no images with one class each.
    """
    import datasets

    try:
        loaded = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise VitforgeError(
            f"the saved data set cannot be opened: {error}",
            where=str(folder),
            mend="write it again with save_to_disk",
        ) from None
    return _read(loaded, folder.resolve().name, config or DataConfig())


def _home(error: Exception) -> str:
    """Package that an exception's class comes from."""
    return type(error).__module__.partition(".")[0]


def _read(loaded: Any, name: str, config: DataConfig) -> RawDataset:
    import datasets

    parts: dict[str, Any] = dict(loaded) if isinstance(loaded, dict) else {"train": loaded}
    unknown = [part for part in parts if part not in _SPLITS]
    parts = {part: rows for part, rows in parts.items() if part in _SPLITS}
    if not parts:
        raise VitforgeError(
            f"no split of {name} is called train, validation or test: {', '.join(unknown)}",
            where=name,
            mend="rename its splits, and write it with save_to_disk",
        )
    first = next(iter(parts.values()))
    check_slices(first.column_names, config, name)
    image, label = _columns(first.features, name, config)
    group = config.group_column or usual_column(first.column_names, GROUPS)
    labels = _labels(parts, label, config, name)
    encoded = {
        part: rows.cast_column(image, datasets.Image(decode=False)) for part, rows in parts.items()
    }
    rows = RawImages(
        partial(_read_row, encoded, image),
        [f"{part}/{row:07d}" for part in parts for row in range(len(parts[part]))],
        labels.names,
        # One part only is a whole that has yet to be split.
        [_SPLITS[part] for part in parts for _ in parts[part]] if len(parts) > 1 else (),
        _texts(parts, group) if group else (),
        targets=labels.targets,
        slices=read_slices(partial(_texts, parts), config, group),
    )
    labelled = [row for row, label in enumerate(labels.names) if label]
    dropped = tuple(
        DroppedImage(path=identity, reason="the row has no label")
        for identity, label in zip(rows.ids, labels.names, strict=True)
        if not label
    )
    return RawDataset(
        name, labels.classes, rows.take(labelled), (), labels.task, labels.found, dropped
    )


def _texts(parts: dict[str, Any], column: str) -> list[str]:
    """A column of all parts as text; the classes of a ClassLabel by name."""
    kind = next(iter(parts.values())).features[column]
    names = getattr(kind, "names", None)
    values = [value for rows in parts.values() for value in rows[column]]
    return [
        names[value] if names and value is not None and value >= 0 else _text(value)
        for value in values
    ]


def _text(value: Any) -> str:
    cell = to_cell(value)
    return intern("|".join(cell) if isinstance(cell, list) else cell)


def _labels(parts: dict[str, Any], label: str, config: DataConfig, name: str) -> Labels:
    """Labels of all rows of all parts; the classes of a ClassLabel keep their order."""
    import datasets

    feature = next(iter(parts.values())).features[label]
    inner = getattr(feature, "feature", feature)
    values = [value for rows in parts.values() for value in rows[label]]
    if not isinstance(inner, datasets.ClassLabel):
        return read_labels({label: [to_cell(value) for value in values]}, config, name)
    cells: list[Cell] = [
        [inner.names[one] for one in value]
        if isinstance(value, list)
        else ("" if value is None or value < 0 else inner.names[value])
        for value in values
    ]
    if inner is not feature or config.task == "ordinal":
        return read_labels({label: cells}, config, name)
    names = [str(cell) for cell in cells]
    return Labels("single_label", "", tuple(inner.names), names, np.empty((len(names), 0)))


def _columns(features: Any, name: str, config: DataConfig) -> tuple[str, str]:
    """The image column and the label column."""
    import datasets

    images = [key for key, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [key for key in config.label_columns if key in features] or [
        key
        for key, kind in features.items()
        if isinstance(getattr(kind, "feature", kind), datasets.ClassLabel)
        and key not in config.slice_columns
    ]
    if not labels:
        labels = [key for key in ("label", "labels", "class", "target") if key in features]
    if len(images) != 1 or len(labels) != 1:
        raise VitforgeError(
            f"{name} needs one image column and one label column; it has "
            f"{', '.join(f'{key} ({type(kind).__name__})' for key, kind in features.items())}",
            where=name,
            mend="keep one of each with select_columns, and write it with save_to_disk",
        )
    return images[0], labels[0]


def _read_row(parts: dict[str, Any], column: str, place: str) -> bytes:
    part, _, row = place.rpartition("/")
    value = parts[part][int(row)][column]
    if value["bytes"] is not None:
        return bytes(value["bytes"])
    return Path(value["path"]).read_bytes()
