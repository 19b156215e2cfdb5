"""`vitforge check-data`: everything that is wrong with a data set, before any training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitforge.errors import ConfigError, VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop
from vitforge_pipelines.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from vitforge.data.examine import Examination

_STYLES = {"failure": "red", "warning": "yellow", "note": "dim"}


def check_data(
    source: Annotated[
        str, typer.Argument(help="A folder, manifest, tar, URL, hub id, or `digits`.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="A key of the section `data`."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("data-report.html"),
    json_: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Read, compare and split a data set as `vitforge run` would, and say what is wrong with it.

    Nothing is trained and nothing but the report is written.

    Exit status: 0 when the data may be trained on, 1 on a failure such as leakage, 2 wrong usage.

    Examples:

        vitforge check-data photos/

        vitforge check-data list.csv -s group_column=patient --json
    """
    import tempfile

    from vitforge.config import DataConfig, parse
    from vitforge.data.examine import examine
    from vitforge.data.page import dataset_report
    from vitforge.tracking import StepRun

    try:
        config = parse(DataConfig, dict(map(_change, set_ or [])), "--set")
        with (
            tempfile.TemporaryDirectory() as spool,
            StepRun("check_data", spool=Path(spool)) as run,
            people.status("reading the images"),
        ):
            found = examine(source, seed, config, run)
            dataset_report(found).save(report)
    except VitforgeError as error:
        if json_:
            told = {"cause": error.cause, "where": error.where, "mend": error.mend}
            print_json({"passed": False, "error": told})
        stop(error)
    failed = any(finding.severity == "failure" for finding in found.findings)
    if json_:
        print_json(_told(found, report) | {"passed": not failed})
    else:
        _show(found, report, failed)
    if failed:
        raise typer.Exit(ExitCode.FAILED)


def _change(text: str) -> tuple[str, Any]:
    import yaml

    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ConfigError(f"--set takes KEY=VALUE, not {text!r}", mend="-s val_fraction=0.2")
    return key.removeprefix("data."), yaml.safe_load(value)


def _told(found: Examination, report: Path) -> dict[str, Any]:
    info = found.info
    return {
        "name": info.name,
        "task": info.task,
        "sizes": info.sizes,
        "classes": len(info.classes),
        "fingerprint": info.fingerprint,
        "findings": [
            {
                "check": finding.check,
                "severity": finding.severity,
                "count": finding.count,
                "cause": finding.cause,
                "where": finding.where,
                "mend": finding.mend,
            }
            for finding in found.findings
        ],
        "dropped": [image.model_dump() for image in info.dropped],
        "report": str(report),
    }


def _show(found: Examination, report: Path, failed: bool) -> None:
    from rich.markup import escape

    info = found.info
    sizes = " / ".join(f"{info.sizes[split]:,}" for split in ("train", "val", "test"))
    people.print(f"[bold]{escape(info.name)}[/]  {info.task}, train / val / test {sizes}")
    for finding in found.findings:
        style = _STYLES[finding.severity]
        people.print(f"[{style}]{finding.severity:<8}[/] {escape(finding.cause)}")
        for label, text in (("at", finding.where), ("mend", finding.mend)):
            if text and finding.severity != "note":
                people.print(f"         [dim]{label}[/] {escape(text)}", soft_wrap=True)
    people.print(f"report   {report}", soft_wrap=True)
    people.print("[red]not fit for training[/]" if failed else "[green]fit for training[/]")
