"""The columns that evaluation reports by."""

import difflib
import hashlib
from collections.abc import Callable, Iterable, Sequence

from vitforge.config import DataConfig
from vitforge.errors import VitforgeError


def check_slices(columns: Iterable[str], config: DataConfig, where: str) -> None:
    """Refuse a `data.slice_columns` that the source does not have.

    Args:
        columns: Columns of the source; none for a folder, whose files say nothing of themselves.
        config: The section `data`.
        where: The source, for error messages.

    Raises:
        VitforgeError: naming the columns that come nearest.
    """
    known = list(columns)
    for name in config.slice_columns:
        if name not in known:
            lower = {column.lower(): column for column in known}
            near = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)
            meant = " or ".join(lower[match] for match in near)
            listed = f"the columns are {', '.join(known)}" if known else "write a manifest of it"
            raise VitforgeError(
                f"there is no column {name!r} to slice by",
                where=where,
                mend=f"did you mean {meant}?" if meant else f"{listed}, or set data.slice_columns",
            )


def read_slices(
    read: Callable[[str], Sequence[str]], config: DataConfig, group: str
) -> dict[str, Sequence[str]]:
    """The columns to slice by; the group's own, which may name a patient, is hashed.

    Args:
        read: Gives a column's values by its name.
        config: The section `data`.
        group: Column of the group; empty for none.
    """
    columns = {name: read(name) for name in config.slice_columns}
    return {
        name: [hidden_name(word) for word in values] if name == group else values
        for name, values in columns.items()
    }


def hidden_name(name: str) -> str:
    """16 hex digits that stand for a name, the same wherever it occurs; nothing for none."""
    return hashlib.sha256(name.encode()).hexdigest()[:16] if name else ""
