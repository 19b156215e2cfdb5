"""Following a run by its spool: which step is where, and what went wrong."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vitforge.tracking.step import EVENTS_FILE

State = Literal["waiting", "running", "done", "failed"]


@dataclass
class StepView:
    """One step as a person sees it."""

    name: str
    state: State = "waiting"
    started: float = 0.0
    ended: float = 0.0
    fraction: float = 0.0
    text: str = ""
    notes: list[str] = field(default_factory=list)
    cause: str = ""
    where: str = ""
    mend: str = ""
    kept: bool = False
    """Whether its result is an earlier attempt's."""

    @property
    def seconds(self) -> float:
        """Time the step took, seconds; 0 while it runs."""
        return max(0.0, self.ended - self.started) if self.ended else 0.0


class Watch:
    """Reads what steps append to the spool, each line once."""

    def __init__(self, spool: Path, steps: tuple[str, ...]) -> None:
        self.steps = {name: StepView(name) for name in steps}
        self._spool = spool
        self._read = dict.fromkeys(steps, 0)

    def update(self) -> bool:
        """Read what is new; True when anything was."""
        changed = False
        for name in self.steps:
            for event in self._new_events(name):
                if event["kind"] == "start":
                    self.steps[name] = StepView(name, "running", started=event["time"])
                else:
                    _apply(self.steps[name], event)
                changed = True
        return changed

    def keep_finished(self) -> tuple[str, ...]:
        """Take over the steps that are done, and forget how far an earlier attempt was in others.

        Returns:
            Names of the steps that are done.
        """
        for name, view in self.steps.items():
            if view.state == "done":
                view.kept = True
            else:
                self.steps[name] = StepView(name)
        return tuple(name for name, view in self.steps.items() if view.kept)

    def stop(self, cause: str, mend: str) -> StepView | None:
        """Mark the step that was left running, when its process is gone without a word."""
        for view in self.steps.values():
            if view.state == "running":
                view.state, view.cause, view.mend = "failed", cause, mend
                return view
        return None

    @property
    def failed(self) -> StepView | None:
        """The step that failed, or None."""
        return next((view for view in self.steps.values() if view.state == "failed"), None)

    def _new_events(self, name: str) -> list[dict[str, Any]]:
        path = self._spool / name / EVENTS_FILE
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._read[name])
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read[name] += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


def _apply(view: StepView, event: dict[str, Any]) -> None:
    match event["kind"]:
        case "progress":
            view.fraction = event["done"] / event["total"] if event["total"] else 0.0
            view.text = event["text"]
        case "note":
            view.notes.append(event["text"])
            view.text = event["text"]
        case "end":
            view.ended = event["time"]
            if event["status"] == "FINISHED":
                view.state, view.fraction = "done", 1.0
            else:
                view.state = "failed"
                view.cause, view.where = event["cause"], event["where"]
                view.mend = event["mend"]
