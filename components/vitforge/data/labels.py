"""From the cells of a manifest to the labels of a task."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern

import numpy as np
from numpy.typing import NDArray

from vitforge.config import DataConfig
from vitforge.config.data import EVERY_LABEL, LabelPolicy, Task
from vitforge.errors import VitforgeError

Cell = str | list[str]
"""A manifest's cell: text, empty for missing, or a list of words."""

SEPARATOR = "|"
_UNCERTAIN = {"-1", "-1.0", "u", "uncertain"}
_POSITIVE = {"1", "1.0", "true", "yes"}
_NEGATIVE = {"0", "0.0", "false", "no"}
SOFT_UNCERTAIN = 0.7
"""Middle of [0.55, 0.85]. Source: Pham et al. 2021, https://arxiv.org/abs/1911.06475"""
SOFT_MISSING = 0.15
"""Middle of [0, 0.3]; same source."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of all rows, whatever the task.

    Args:
        task: What is learnt.
        found: How the task was found, one sentence.
        classes: Class names in order; empty for a regression.
        names: Label of each row as text; empty where the row has none and must be dropped.
        targets: As `RawImages.targets`.
    """

    task: Task
    found: str
    classes: tuple[str, ...]
    names: list[str]
    targets: NDArray[np.float64]


def read_labels(columns: Mapping[str, Sequence[Cell]], config: DataConfig, where: str) -> Labels:
    """Find the task, unless the settings name it, and read every label.

    Args:
        columns: The label column, or one column a label.
        config: The section `data`.
        where: The manifest, for error messages.

    Raises:
        VitforgeError: if a cell does not fit the task, or class names differ in case only.
    """
    task, found = _task(columns, config)
    if task == "multi_label":
        return _multi_label(columns, config, found, where)
    if len(columns) > 1:
        raise VitforgeError(
            f"a {task} task has one label column, not {len(columns)}: {', '.join(columns)}",
            where=where,
            mend="name one in data.label_columns, or set data.task: multi_label",
        )
    cells = [_word(cell) for cell in next(iter(columns.values()))]
    if task == "regression":
        return _regression(cells, found, where)
    counts = Counter(cell for cell in cells if cell)
    refuse_case_twins(counts, where)
    classes = ordered_classes(counts, config, where) if task == "ordinal" else tuple(sorted(counts))
    return Labels(task, found, classes, cells, np.empty((len(cells), 0)))


def refuse_case_twins(counts: Mapping[str, int], where: str) -> None:
    """Refuse class names that differ in case or outer blanks only: almost surely one class.

    Raises:
        VitforgeError: naming both, with their counts.
    """
    seen: dict[str, str] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        first = seen.setdefault(name.strip().casefold(), name)
        if first != name:
            raise VitforgeError(
                f"classes {first!r} ({counts[first]:,} images) and {name!r} ({counts[name]:,}) "
                "differ in case only",
                where=where,
                mend=f"rename {name!r} to {first!r}",
            )


def ordered_classes(names: Iterable[str], config: DataConfig, where: str) -> tuple[str, ...]:
    """Classes of an ordinal task, lowest first.

    Raises:
        VitforgeError: if `data.order` lacks one.
    """
    if not config.order:
        found = sorted(set(names))
        numeric = all(_number(name) is not None for name in found)
        return tuple(sorted(found, key=lambda name: (_number(name) or 0.0) if numeric else 0.0))
    unknown = set(names) - set(config.order)
    if unknown:
        raise VitforgeError(
            f"class {min(unknown)!r} has no place in data.order",
            where=where,
            mend=f"data.order lists {', '.join(config.order)}",
        )
    return tuple(name for name in config.order if name in set(names))


def _task(columns: Mapping[str, Sequence[Cell]], config: DataConfig) -> tuple[Task, str]:
    if config.task != "auto":
        return config.task, "set by data.task"
    if len(columns) > 1:
        return "multi_label", f"{len(columns)} columns of labels: {', '.join(list(columns)[:5])}"
    name, cells = next(iter(columns.items()))
    several = sum(isinstance(cell, list) or SEPARATOR in cell for cell in cells)
    if several:
        return "multi_label", f"{several:,} rows of {name!r} hold a list"
    numbers = [_number(cell) for cell in cells if cell]
    if numbers and all(number is not None for number in numbers):
        broken = sum(number != int(number) for number in numbers if number is not None)
        if broken:
            return "regression", f"{name!r} holds numbers, {broken:,} of them no whole ones"
    return "single_label", f"{name!r} holds one word a row"


def _multi_label(
    columns: Mapping[str, Sequence[Cell]], config: DataConfig, found: str, where: str
) -> Labels:
    listed = len(columns) == 1
    if listed:
        rows = [_words(cell) for cell in next(iter(columns.values()))]
        counts = Counter(word for row in rows for word in row)
        refuse_case_twins(counts, where)
        classes = tuple(sorted(counts))
        targets = _listed(rows, classes)
    else:
        classes = tuple(columns)
        _known_labels(classes, config, where)
        targets = np.column_stack(
            [
                _column(name, cells, _policies(name, config), where)
                for name, cells in columns.items()
            ]
        )
    return Labels("multi_label", found, classes, _joined(targets, classes), targets)


def _listed(rows: Sequence[Sequence[str]], classes: Sequence[str]) -> NDArray[np.float64]:
    """1 for what a list names; a list that is there is complete, so all else is 0."""
    place = {name: number for number, name in enumerate(classes)}
    targets = np.zeros((len(rows), len(classes)))
    for row, words in enumerate(rows):
        targets[row, [place[word] for word in words]] = 1.0
        if not words:
            targets[row] = math.nan
    return targets


def _joined(targets: NDArray[np.float64], classes: Sequence[str]) -> list[str]:
    """The positive labels of each row as text; empty where nothing is known of it."""
    return [
        ""
        if np.isnan(row).all()
        else intern(SEPARATOR.join(itertools.compress(classes, row >= 0.5)) or "none")
        for row in targets
    ]


def _column(
    name: str, cells: Sequence[Cell], policies: tuple[LabelPolicy, LabelPolicy], where: str
) -> NDArray[np.float64]:
    """One label's values; NaN where the loss is to look away."""
    missing = _value(policies[0], SOFT_MISSING)
    uncertain = _value(policies[1], SOFT_UNCERTAIN)
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        word = _word(cell).lower()
        if not word:
            values[row] = missing
        elif word in _UNCERTAIN:
            values[row] = uncertain
        elif word in _POSITIVE or word in _NEGATIVE:
            values[row] = word in _POSITIVE
        else:
            raise VitforgeError(
                f"label {name!r} is {word!r}, which is none of 1, 0, -1 and blank",
                where=f"{where}, row {row + 1}",
                mend="mend the cell, or name the label columns in data.label_columns",
            )
    return values


def _value(policy: LabelPolicy, soft: float) -> float:
    return {"ones": 1.0, "zeros": 0.0, "ignore": math.nan, "soft": soft}[policy]


def _policies(name: str, config: DataConfig) -> tuple[LabelPolicy, LabelPolicy]:
    """What missing and uncertain mean for a label."""
    missing, uncertain = config.missing_labels, config.uncertain_labels
    return (
        missing.get(name, missing.get(EVERY_LABEL, "ignore")),
        uncertain.get(name, uncertain.get(EVERY_LABEL, "ignore")),
    )


def _known_labels(classes: Sequence[str], config: DataConfig, where: str) -> None:
    for key, policies in (
        ("missing", config.missing_labels),
        ("uncertain", config.uncertain_labels),
    ):
        unknown = set(policies) - {*classes, EVERY_LABEL}
        if unknown:
            raise VitforgeError(
                f"data.{key}_labels names {min(unknown)!r}, which is no label",
                where=where,
                mend=f"the labels are {', '.join(classes)}; {EVERY_LABEL} stands for all",
            )


def _regression(cells: Sequence[str], found: str, where: str) -> Labels:
    targets = np.full((len(cells), 1), math.nan)
    for row, cell in enumerate(cells):
        number = _number(cell)
        if cell and number is None:
            raise VitforgeError(
                f"{cell!r} is no number", where=f"{where}, row {row + 1}", mend="mend the cell"
            )
        targets[row] = math.nan if number is None else number
    return Labels("regression", found, (), list(cells), targets)


def _words(cell: Cell) -> list[str]:
    parts: Iterable[str] = cell if isinstance(cell, list) else cell.split(SEPARATOR)
    return [part.strip() for part in parts if part.strip()]


def _word(cell: Cell) -> str:
    return SEPARATOR.join(cell) if isinstance(cell, list) else cell.strip()


def _number(cell: Cell) -> float | None:
    try:
        number = float(_word(cell))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
