"""WebDataset tars: files that share a name up to the first dot make one sample."""

import json
import tarfile
from collections.abc import Iterable
from pathlib import Path

from vitforge.artifacts import DroppedImage
from vitforge.config import DataConfig
from vitforge.data.folder import SUFFIXES
from vitforge.data.labels import Cell, read_labels
from vitforge.data.raw import RawDataset, RawImages
from vitforge.data.split_names import SPLIT_NAMES
from vitforge.data.unpacked import unpacked
from vitforge.errors import VitforgeError

_LABEL_KEYS = ("label", "labels", "class", "cls", "target")
_GROUP_KEYS = ("group", "patient", "patient_id", "subject")


def read_tars(paths: Iterable[Path], config: DataConfig, name: str) -> RawDataset:
    """List the samples of tars: an image, and its label in `.cls`, `.txt` or `.json`.

    A shard called `train-0003.tar` belongs to that split. Only the headers are read; an image is
    read from its place in the tar when it is needed; a compressed tar is written out first.

    Raises:
        VitforgeError: if a tar is damaged, or holds no images.

    Source: https://github.com/webdataset/webdataset, "The WebDataset Format"
    """
    ids: list[str] = []
    cells: list[Cell] = []
    groups: list[str] = []
    splits: list[str] = []
    places: list[str] = []
    ignored: list[DroppedImage] = []
    for path in map(unpacked, sorted(paths)):
        split = SPLIT_NAMES.get(path.stem.lower().replace("_", "-").split("-")[0], "")
        for key, sample in _samples(path).items():
            image = next((sample[s] for s in sample if f".{s.split('.')[-1]}" in SUFFIXES), None)
            if image is None:
                ignored.append(DroppedImage(path=f"{path.name}/{key}", reason="no image"))
                continue
            cell, group = _label(path, sample)
            ids.append(f"{path.stem}/{key}")
            cells.append(cell)
            groups.append(group)
            splits.append(split)
            places.append(f"{image.offset_data}:{image.size}:{path}")
    if not ids:
        raise VitforgeError("the tars hold no images", where=name)
    labels = read_labels({"label": cells}, config, name)
    samples = RawImages(
        _read_place, ids, labels.names, splits, groups, places=places, targets=labels.targets
    )
    images = samples.take([i for i in range(len(ids)) if labels.names[i]])
    dropped = tuple(
        DroppedImage(path=ids[i], reason="the sample has no label")
        for i in range(len(ids))
        if not labels.names[i]
    )
    return RawDataset(
        name, labels.classes, images, tuple(ignored), labels.task, labels.found, dropped
    )


def _samples(path: Path) -> dict[str, dict[str, tarfile.TarInfo]]:
    samples: dict[str, dict[str, tarfile.TarInfo]] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                folder, _, file = member.name.rpartition("/")
                if member.isfile() and not file.startswith("."):
                    stem, _, suffix = file.partition(".")
                    key = f"{folder}/{stem}" if folder else stem
                    samples.setdefault(key, {})[suffix.lower()] = member
    except tarfile.TarError as error:
        raise VitforgeError(
            f"the tar cannot be read: {error}",
            where=str(path),
            mend="make it anew",
        ) from None
    return samples


def _label(path: Path, sample: dict[str, tarfile.TarInfo]) -> tuple[Cell, str]:
    """Label and group of a sample."""
    for suffix in ("cls", "txt", "label"):
        if suffix in sample:
            return _text(path, sample[suffix]).strip(), ""
    if "json" not in sample:
        return "", ""
    try:
        values = json.loads(_text(path, sample["json"]))
    except ValueError:
        return "", ""
    label = next((values[key] for key in _LABEL_KEYS if key in values), "")
    group = next((str(values[key]) for key in _GROUP_KEYS if key in values), "")
    return ([str(word) for word in label] if isinstance(label, list) else str(label)), group


def _text(path: Path, member: tarfile.TarInfo) -> str:
    return _read(path, member.offset_data, member.size).decode(errors="replace")


def _read_place(place: str) -> bytes:
    offset, size, path = place.split(":", 2)
    return _read(Path(path), int(offset), int(size))


def _read(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)
