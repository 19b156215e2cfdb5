"""A manifest's file as columns of cells, whatever its format."""

import csv
import json
import math
from pathlib import Path
from sys import intern
from typing import Any, TextIO

from vitforge.data.labels import Cell
from vitforge.errors import VitforgeError


def read_cells(path: Path) -> dict[str, list[Cell]]:
    """Read a CSV (comma), TSV, Parquet or JSON lines file, told apart by suffix.

    Raises:
        VitforgeError: if it cannot be read, or a row has another number of cells than the header.
    """
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(path)
            return {
                name: [to_cell(v) for v in table[name].to_pylist()] for name in table.column_names
            }
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".jsonl":
                lines = [json.loads(line) for line in file if line.strip()]
                names = dict.fromkeys(name for line in lines for name in line)
                return {name: [to_cell(line.get(name)) for line in lines] for name in names}
            return _read_csv(file, path)
    except (OSError, ValueError, csv.Error, AttributeError) as error:
        raise VitforgeError(
            f"the manifest cannot be read: {error}", where=str(path), mend="mend the file"
        ) from None


def _read_csv(file: TextIO, path: Path) -> dict[str, list[Cell]]:
    """Columns of a CSV or TSV; a word that comes again is kept once."""
    lines = csv.reader(file, dialect="excel" if path.suffix == ".csv" else "excel-tab")
    rows = filter(None, lines)
    header = next(rows, [])
    columns: list[list[Cell]] = [[] for _ in header]
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise VitforgeError(
                f"the row has {len(row)} cells, the header {len(header)}",
                where=f"{path}, row {number}",
                mend="mend the row; a cell with a comma needs quotes",
            )
        for column, cell in zip(columns, row, strict=True):
            column.append(intern(cell.strip()))
    return dict(zip(map(str.strip, header), columns, strict=True))


def to_cell(value: Any) -> Cell:
    """A value as text, or as a list of texts; empty for None and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (list, tuple)):
        return [str(part) for part in value]
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
