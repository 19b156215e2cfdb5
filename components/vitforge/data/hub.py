"""Hugging Face data sets: from the hub, or from a folder that `save_to_disk` wrote."""

import os
from functools import partial
from pathlib import Path
from typing import Any

from vitforge.artifacts import TEST, TRAIN, VAL
from vitforge.data.raw import RawDataset, RawImage
from vitforge.errors import VitforgeError

TIMEOUT = 5.0
"""Seconds to wait for the hub's first answer."""
WAYS_OUT = (
    "give a local folder or digits as dataset, point HF_ENDPOINT at a mirror, set "
    "HF_HUB_OFFLINE=1 to use what is cached, or copy the folder that save_to_disk wrote elsewhere"
)
_SPLITS = {"train": TRAIN, "validation": VAL, "valid": VAL, "val": VAL, "test": TEST}


def read_hub(name: str) -> RawDataset:
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
            mend=WAYS_OUT,
        ) from None
    return _read(loaded, name)


def read_saved(folder: Path) -> RawDataset:
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
    return _read(loaded, folder.resolve().name)


def _home(error: Exception) -> str:
    """Package that an exception's class comes from."""
    return type(error).__module__.partition(".")[0]


def _read(loaded: Any, name: str) -> RawDataset:
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
    image, label = _columns(first.features, name)
    feature = first.features[label]
    if isinstance(feature, datasets.ClassLabel):
        classes = tuple(feature.names)
    else:
        values = {str(value) for rows in parts.values() for value in rows.unique(label)}
        classes = tuple(sorted(values))
    images: list[RawImage] = []
    for part, rows in parts.items():
        encoded = rows.cast_column(image, datasets.Image(decode=False))
        for index, value in enumerate(encoded[label]):
            known = classes[value] if isinstance(feature, datasets.ClassLabel) else str(value)
            # One part only is a whole that has yet to be split.
            split = _SPLITS[part] if len(parts) > 1 else ""
            load = partial(_bytes, encoded, image, index)
            images.append(RawImage(f"{part}/{index:07d}", known, split, load))
    return RawDataset(name, classes, tuple(images))


def _columns(features: Any, name: str) -> tuple[str, str]:
    """The image column and the label column."""
    import datasets

    images = [key for key, kind in features.items() if isinstance(kind, datasets.Image)]
    labels = [key for key, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
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


def _bytes(rows: Any, column: str, index: int) -> bytes:
    value = rows[index][column]
    if value["bytes"] is not None:
        return bytes(value["bytes"])
    return Path(value["path"]).read_bytes()
