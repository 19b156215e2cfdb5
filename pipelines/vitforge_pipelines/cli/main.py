"""Entry point of the `vitforge` command."""

import sys
from collections.abc import Callable

import typer

from vitforge import __version__
from vitforge.errors import explain
from vitforge_pipelines.cli import tracking
from vitforge_pipelines.cli.codegen import codegen
from vitforge_pipelines.cli.console import show_error
from vitforge_pipelines.cli.data import check_data
from vitforge_pipelines.cli.doctor import doctor
from vitforge_pipelines.cli.exit_codes import ExitCode
from vitforge_pipelines.cli.gate import gate
from vitforge_pipelines.cli.live import status, stop_live
from vitforge_pipelines.cli.models import predict, serve
from vitforge_pipelines.cli.plan import plan_app
from vitforge_pipelines.cli.project import compile_, init
from vitforge_pipelines.cli.promotion import history, promote, rollback
from vitforge_pipelines.cli.reconcile import reconcile
from vitforge_pipelines.cli.report import report
from vitforge_pipelines.cli.run import run

app = typer.Typer(
    name="vitforge",
    help="From an image data set to a Vision Transformer that is fine-tuned, proved, exported, "
    "registered, deployed and watched over.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
VERBS: tuple[Callable[..., None], ...] = (
    *(doctor, init, run, report, gate),
    *(promote, rollback, reconcile, status, history),
    *(predict, serve, codegen),
)
for verb in VERBS:
    app.command()(verb)
app.command("stop")(stop_live)
app.command("check-data")(check_data)
app.command("compile")(compile_)
app.add_typer(plan_app, name="plan")
app.add_typer(tracking.app, name="mlflow")


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(ExitCode.STOPPED)
    except OSError as error:
        told = explain(error)
        show_error(told.cause, where=told.where, mend=told.mend)
        sys.exit(ExitCode.FAILED)
