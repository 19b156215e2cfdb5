"""`vitforge gate`: a saved evaluation is judged again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop
from vitforge_pipelines.cli.exit_codes import ExitCode


def gate(
    name: Annotated[str, typer.Argument(help="A run's name; the newest when left out.")] = "",
    config: Annotated[
        Path | None, typer.Option(help="A config whose gates to take; by default the run's own.")
    ] = None,
    champion: Annotated[
        bool, typer.Option("--champion", help="Hold it against the champion in MLflow too.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Judge a run's saved evaluation again, perhaps by other gates. No model is run.

    Nothing is written: the registered version keeps the verdict that it was registered with.

    Exit status: 0 not refused, 1 the run has no evaluation, 2 wrong config, 3 refused.

    Examples:

        vitforge gate --config stricter.yaml

        vitforge gate 20260101-120000-digits --champion --json
    """
    import os

    from vitforge.config import load_config
    from vitforge.gates.judge import reach_verdict
    from vitforge.gates.page import summary
    from vitforge_pipelines.cli.models import connect
    from vitforge_pipelines.runners.record import find_run

    try:
        folder, record = find_run(name)
        settings = load_config(config) if config else record.config
        if champion:
            connect()
        else:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        verdict, _ = reach_verdict(
            saved_folder(folder, "predictions"),
            saved_folder(folder, "metrics"),
            saved_folder(folder, "bundle"),
            model_name=settings.model_name,
            config=settings.gates,
        )
    except VitforgeError as error:
        stop(error, json_=json_)
    if json_:
        print_json(
            {"run": record.name, "may_challenge": verdict.may_challenge}
            | verdict.model_dump(mode="json")
        )
    else:
        from vitforge_pipelines.cli.verdict_table import verdict_table

        people.print(verdict_table(verdict))
        people.print(f"\n[bold]{record.name}[/] {summary(verdict)}", soft_wrap=True)
        for row in verdict.rows:
            if row.outcome in ("FAIL", "INCONCLUSIVE"):
                people.print(f"  {row.name}: {row.change}", soft_wrap=True, markup=False)
    if not verdict.may_challenge:
        raise typer.Exit(ExitCode.REFUSED)


def saved_folder(folder: Path, part: str) -> Path:
    """The folder of a run's artifact."""
    from vitforge.artifacts import METRICS_FILE, PARITY_FILE, PREDICTIONS_FILE
    from vitforge_pipelines.runners.local import find_artifact

    file = {"predictions": PREDICTIONS_FILE, "metrics": METRICS_FILE, "bundle": PARITY_FILE}[part]
    path = find_artifact(folder, part, file)
    if path is None:
        raise VitforgeError(
            f"the run has no {part} yet",
            where=str(folder),
            mend="run its config again to go on with it",
        )
    return path.parent
