"""`vitforge report`: a run's report, or what changed between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop


def report(
    name: Annotated[str, typer.Argument(help="A run's name; the newest when left out.")] = "",
    against: Annotated[
        str, typer.Option(metavar="RUN", help="Another run: say what differs, this less that.")
    ] = "",
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Say where a run's report is, open it, or hold the run against another.

    Differences have paired intervals where both runs were tested on the same images.

    Examples:

        vitforge report --open

        vitforge report --against 20260101-120000-digits
    """
    from vitforge.artifacts import REPORT_FILE
    from vitforge_pipelines.runners.record import find_run

    told: dict[str, Any]
    try:
        folder, record = find_run(name)
        path = folder / REPORT_FILE
        if against:
            path, told = _difference(name, against)
        elif path.exists():
            told = {"run": record.name, "state": record.state, "report": str(path)}
        else:
            raise VitforgeError(
                f"run {record.name} has no report yet: it is {record.state}",
                where=str(folder),
                mend="run its config again to go on with it",
            )
    except VitforgeError as error:
        stop(error, json_=json_)
    if json_:
        print_json(told)
    else:
        typer.echo(str(path))
    if open_:
        import webbrowser

        webbrowser.open(path.as_uri())


def _difference(name: str, against: str) -> tuple[Path, dict[str, Any]]:
    """Compare, write the page into the run's folder, and show what changed."""
    from vitforge_pipelines.cli.diff_page import difference_report
    from vitforge_pipelines.runners.difference import compare_runs
    from vitforge_pipelines.runners.record import find_run

    (folder, record), (other_folder, other) = find_run(name), find_run(against)
    found = compare_runs((folder, record), (other_folder, other))
    path = folder / f"against-{other.name}.html"
    difference_report(found).save(path)
    people.print(f"[bold]{record.name}[/] less [bold]{other.name}[/]: {found.headline}")
    for row in found.metrics:
        if row.slice == "all" and row.difference is not None and row.surely:
            people.print(f"  {row.name}: {row.difference:+.4g} ({row.low:+.4g} to {row.high:+.4g})")
    for key, ours, theirs in found.config:
        people.print(f"  {key}: {theirs} → {ours}", markup=False, soft_wrap=True)
    return path, found.as_json() | {"report": str(path)}
