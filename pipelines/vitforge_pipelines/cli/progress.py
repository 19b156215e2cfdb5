"""The live view of a run: a line a step, on a terminal redrawn, elsewhere once per change."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vitforge_pipelines.cli.console import people
from vitforge_pipelines.runners.watch import StepView, Watch

_MARKS = {
    "waiting": Text("·", style="dim"),
    "running": Text("▸", style="cyan"),
    "done": Text("✓", style="green"),
    "failed": Text("✗", style="red"),
}


class RunView:
    """Shows the state of the steps as it changes."""

    def __init__(self, live: Live | None, quiet: bool = False) -> None:
        self._live = live
        self._quiet = quiet
        self._told: dict[str, str] = {}

    def __call__(self, folder: Path, watch: Watch) -> None:
        """Show the present state."""
        if self._live:
            self._live.update(_table(watch))
        if self._live or self._quiet:
            return
        for view in watch.steps.values():
            if view.state != self._told.get(view.name, "waiting"):
                self._told[view.name] = view.state
                people.print(_line(view), markup=False)


@contextmanager
def run_view(quiet: bool) -> Iterator[RunView]:
    """A view for the duration of a run; silent when `quiet`."""
    if quiet or not people.is_terminal:
        yield RunView(None, quiet)
        return
    with Live(console=people, refresh_per_second=8, transient=False) as live:
        yield RunView(live)


def _line(view: StepView) -> str:
    if view.state == "running":
        return f"{view.name:<15} started"
    told = "; ".join(view.notes)
    how = "kept, took" if view.kept else f"{view.state} in"
    return f"{view.name:<15} {how} {view.seconds:.1f} s{'  ' + told if told else ''}"


def _table(watch: Watch) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(width=15)
    table.add_column(width=8, justify="right")
    table.add_column()
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)  # what a narrow terminal cuts
    for view in watch.steps.values():
        spent = view.seconds if view.ended else time.time() - view.started
        clock = f"{spent:.1f} s" if view.state != "waiting" else ""
        bar = (
            ProgressBar(total=1.0, completed=view.fraction, width=20)
            if view.state == "running" and view.fraction
            else Text("")
        )
        text = Text(view.notes[-1] if view.state == "done" and view.notes else view.text)
        text.stylize("dim" if view.state == "done" else "")
        style = "dim" if view.state == "waiting" else ""
        table.add_row(_MARKS[view.state], Text(view.name, style=style), clock, bar, text)
    return table
