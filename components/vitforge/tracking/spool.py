"""Reading a step's spool: whole events from where the last reader stopped."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from vitforge.artifacts import ArtifactModel
from vitforge.tracking.step import EVENTS_FILE

BOOKMARK_FILE = "shipped.json"
Event = dict[str, Any]
Point = tuple[str, int, int, float | None]


class Bookmark(ArtifactModel):
    """`shipped.json`: how far a step's spool has reached MLflow."""

    run_id: str = ""
    offset: int = 0
    """Bytes of the events file that MLflow holds."""
    params: dict[str, str] = Field(default_factory=dict)
    """Parameters that MLflow holds; they can never change there."""
    notes: tuple[str, ...] = ()
    status: str = ""
    """How the step ended; empty while it runs."""
    refused: tuple[str, ...] = ()
    """What MLflow said no to, and why."""


@dataclass(frozen=True)
class Batch:
    """Events in the order of writing; a `start` comes first in its batch, an `end` last."""

    events: tuple[Event, ...]
    end: int
    """Offset behind the last event, bytes."""


def batches(folder: Path, offset: int, size: int = 500) -> Iterator[Batch]:
    """Whole events of a step from `offset` on, at most `size` at a time.

    A line without its end is still being written, and is left for the next call. A line that is
    no JSON was torn by a kill, and is passed over.
    """
    path = folder / EVENTS_FILE
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(offset)
        events: list[Event] = []
        for line in file:
            if not line.endswith(b"\n"):
                break
            event = _parse(line)
            kind = event.get("kind")
            if kind == "start" and events:
                yield Batch(tuple(events), offset)
                events = []
            events.append(event)
            offset += len(line)
            if kind == "end" or len(events) >= size:
                yield Batch(tuple(events), offset)
                events = []
        if events:
            yield Batch(tuple(events), offset)


def points(folder: Path) -> set[Point]:
    """Every metric point in a step's spool: (name, milliseconds, step, value; None for NaN)."""
    return {
        point
        for batch in batches(folder, 0)
        for event in batch.events
        if event.get("kind") in ("metrics", "headline")
        for point in points_of(event)
    }


def points_of(event: Event) -> list[Point]:
    """The metric points of one event."""
    moment, step = milliseconds(event), int(event.get("at", 0))
    return [
        (name, moment, step, None if math.isnan(value) else value)
        for name, value in event["values"].items()
    ]


def milliseconds(event: Event) -> int:
    """When the event was written, milliseconds since 1970; now, if it does not say."""
    return int(event.get("time", time.time()) * 1000)


def load_bookmark(folder: Path) -> Bookmark:
    """How far a step's spool has reached MLflow; nowhere, if nothing says so."""
    path = folder / BOOKMARK_FILE
    return Bookmark.load(path) if path.exists() else Bookmark()


def pending(folder: Path) -> int:
    """Events of a step that MLflow does not hold."""
    return sum(len(batch.events) for batch in batches(folder, load_bookmark(folder).offset))


def _parse(line: bytes) -> Event:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def closes(folder: Path) -> str:
    """How a step ended, by its last event; empty while it runs."""
    last: Event = {}
    for batch in batches(folder, 0):
        last = batch.events[-1]
    return str(last.get("status", "")) if last.get("kind") == "end" else ""


def say_failed(folder: Path, cause: str, mend: str) -> None:
    """End a step in its stead, if it has not."""
    if closes(folder):
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / EVENTS_FILE
    torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    now = time.time()
    events: list[Event] = [] if path.exists() else [{"kind": "start", "time": now}]
    events.append(
        {"kind": "end", "time": now, "status": "FAILED", "cause": cause, "where": "", "mend": mend}
    )
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + "".join(json.dumps(e) + "\n" for e in events))
