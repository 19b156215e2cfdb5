"""The append-only ledger of promotions: MLflow itself keeps no history of aliases."""

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from vitforge.artifacts import ArtifactModel

LEDGER_FILE = "ledger.jsonl"

Action = Literal["promote", "rollback", "deploy"]
Outcome = Literal["asked", "deployed", "refused"]


class LedgerRow(ArtifactModel):
    """One thing that was asked for, or done."""

    time: str
    """UTC, ISO 8601. Rows are ordered by their place in the file: clocks jump."""
    by: str
    """Who asked; empty where an alias was moved in MLflow, which does not say by whom."""
    action: Action
    name: str
    from_version: str
    """Champion, or live version, before; empty for none."""
    to_version: str
    reason: str = ""
    evidence: dict[str, str] = Field(default_factory=dict)
    """Verdict, digest of the hashes, whether it was forced."""
    outcome: Outcome


def append_row(
    home: Path | None,
    *,
    action: Action,
    name: str,
    from_version: str,
    to_version: str,
    outcome: Outcome,
    by: str | None = None,
    reason: str = "",
    evidence: dict[str, str] | None = None,
) -> LedgerRow:
    """Add one row; rows of two processes never mix.

    Args:
        home: Folder of the ledger; by default `VITFORGE_HOME` or `.vitforge`.
        by: Who asked; None takes the user of this process.

    Raises:
        OSError: if the disk refuses.
    """
    row = LedgerRow(
        time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        by=getpass.getuser() if by is None else by,
        action=action,
        name=name,
        from_version=from_version,
        to_version=to_version,
        reason=reason,
        evidence=evidence or {},
        outcome=outcome,
    )
    path = _path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = f"{row.model_dump_json()}\n".encode()
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = b"\n" + line  # a row was cut short by a full disk: this one starts anew
        os.write(handle, line)  # one write in append mode
        os.fsync(handle)
    finally:
        os.close(handle)
    return row


def read_ledger(home: Path | None = None, name: str = "") -> tuple[LedgerRow, ...]:
    """Every row, oldest first; of one model, if it is named. A row cut short is left out."""
    path = _path(home)
    if not path.exists():
        return ()
    rows = (_read(line) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(row for row in rows if row and name in ("", row.name))


def last_row(
    home: Path | None, name: str, outcome: Outcome, to_version: str = ""
) -> LedgerRow | None:
    """The newest row of a model with this outcome, and of this version if one is given."""
    for row in reversed(read_ledger(home, name)):
        if row.outcome == outcome and to_version in ("", row.to_version):
            return row
    return None


def _read(line: str) -> LedgerRow | None:
    try:
        return LedgerRow.model_validate_json(line)
    except ValueError:
        return None


def _path(home: Path | None) -> Path:
    return (home or Path(os.environ.get("VITFORGE_HOME") or ".vitforge")) / LEDGER_FILE
