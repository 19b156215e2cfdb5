"""Manifests: CSV, TSV, Parquet or JSON lines, a row for each image."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from vitforge.artifacts import DroppedImage
from vitforge.config import DataConfig
from vitforge.data.cells import read_cells
from vitforge.data.files import read_image
from vitforge.data.labels import Cell, read_labels
from vitforge.data.raw import RawDataset, RawImages
from vitforge.data.slices import check_slices, read_slices
from vitforge.data.split_names import split_name
from vitforge.errors import VitforgeError

_PATHS = (
    *("path", "file_name", "filename", "file", "filepath", "file_path"),
    *("image_path", "image", "image index"),
)
_LABELS = ("label", "labels", "class", "target", "category", "finding labels")
GROUPS = (
    *("group", "group_id", "patient", "patient_id", "patientid", "patient id"),
    *("subject", "subject_id"),
)
_TIMES = ("time", "date", "timestamp", "datetime", "acquired_at", "study_date", "studydate")
_SPLITS = ("split", "set", "partition", "subset")
_MARKS = {"0", "1", "-1", "0.0", "1.0", "-1.0", ""}


def read_manifest(path: Path, config: DataConfig) -> RawDataset:
    """Read a manifest; paths in it are relative to its folder, absolute, or URLs.

    Args:
        path: CSV (comma), TSV, Parquet or JSON lines, told apart by suffix.
        config: The section `data`.

    Raises:
        VitforgeError: if a column is missing or cannot be told, a path is listed with two
            labels, or a cell does not fit the task.
    """
    columns = read_cells(path)
    rows = len(next(iter(columns.values()), []))
    if not rows:
        raise VitforgeError("the manifest has no rows", where=str(path))
    role = _roles(columns, config, str(path))
    label_columns = role.pop("labels").split("\0")
    labels = read_labels({name: columns[name] for name in label_columns}, config, str(path))
    check_slices(columns, config, str(path))
    used = {*role.values(), *label_columns}
    names = _texts(columns, role["path"])
    splits = _texts(columns, role["split"])
    images = RawImages(
        partial(read_image, path.parent),
        names,
        labels.names,
        [split_name(word, f"{path}, row {row}") for row, word in enumerate(splits, 1)],
        _texts(columns, role["group"]),
        [sortable_time(word) for word in _texts(columns, role["time"])],
        targets=labels.targets,
        metadata={name: _texts(columns, name) for name in columns if name not in used},
        slices=read_slices(partial(_texts, columns), config, role["group"]),
    )
    kept, dropped = _usable(path, names, labels.names)
    return RawDataset(
        path.resolve().parent.name if path.stem in ("metadata", "manifest") else path.stem,
        labels.classes, images.take(kept), (), labels.task, labels.found, tuple(dropped),
    )  # fmt: skip


def _usable(
    path: Path, names: Sequence[str], labels: Sequence[str]
) -> tuple[list[int], list[DroppedImage]]:
    """Rows that have a path and a label and do not come again, and what is wrong with the others.

    Raises:
        VitforgeError: if a path has two labels.
    """
    first: dict[str, int] = {}
    kept: list[int] = []
    dropped: list[DroppedImage] = []
    for row, name in enumerate(names):
        before = first.setdefault(name, row)
        if not name or not labels[row]:
            reason = f"row {row + 1} has no {'label' if name else 'path'}"
            dropped.append(DroppedImage(path=name or f"{path.name}:{row + 1}", reason=reason))
        elif before != row:
            if labels[before] != labels[row]:
                raise VitforgeError(
                    f"{name} is listed twice, as {labels[before]!r} and {labels[row]!r}",
                    where=f"{path}, rows {before + 1} and {row + 1}",
                    mend="keep one of the rows",
                )
            reason = f"listed twice, in rows {before + 1} and {row + 1}"
            dropped.append(DroppedImage(path=name, reason=reason))
        else:
            kept.append(row)
    return kept, dropped


def sortable_time(text: str) -> str:
    """A date or a number as text that sorts by time; what is neither is left as it is."""
    try:
        return f"{float(text):020.6f}"
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return text


def usual_column(columns: Iterable[str], usual: Sequence[str]) -> str:
    """The first column that goes by one of the usual names, or empty."""
    lower = {column.lower(): column for column in columns}
    return next((lower[word] for word in usual if word in lower), "")


def _roles(columns: Mapping[str, Sequence[Cell]], config: DataConfig, where: str) -> dict[str, str]:
    """Which column is the path, the group, the time, the split; labels joined by NUL."""
    named = {
        "path": (config.path_column, _PATHS),
        "group": (config.group_column, GROUPS),
        "time": (config.time_column, _TIMES),
        "split": (config.split_column, _SPLITS),
    }
    role = {key: _find(columns, *how, where) for key, how in named.items()}
    if not role["path"]:
        raise VitforgeError(
            f"no column holds the images' paths: {', '.join(columns)}",
            where=where,
            mend="name it in data.path_column, or call it path",
        )
    labels = [_find(columns, name, (), where) for name in config.label_columns]
    if not labels and (found := _find(columns, "", _LABELS, where)):
        labels = [found]
    if not labels:
        free = [name for name in columns if name not in role.values()]
        labels = [name for name in free if _MARKS.issuperset(map(_text, columns[name]))]
        if len(labels) < 2:
            raise VitforgeError(
                f"no column holds the labels: {', '.join(columns)}",
                where=where,
                mend="name one or more in data.label_columns, or call it label",
            )
    return role | {"labels": "\0".join(labels)}


def _find(
    columns: Mapping[str, Sequence[Cell]], name: str, usual: Sequence[str], where: str
) -> str:
    if name:
        if name not in columns:
            raise VitforgeError(
                f"there is no column {name!r}",
                where=where,
                mend=f"the columns are {', '.join(columns)}",
            )
        return name
    return usual_column(columns, usual)


def _texts(columns: Mapping[str, Sequence[Cell]], name: str) -> list[str]:
    """A column as text; nothing where there is no such column."""
    return [_text(cell) for cell in columns[name]] if name else []


def _text(cell: Cell) -> str:
    return "|".join(cell) if isinstance(cell, list) else cell
