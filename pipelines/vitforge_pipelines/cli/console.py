"""How the command speaks: people read standard error, programs read standard output."""

import json
from typing import Any, NoReturn

import typer
from rich.console import Console

from vitforge.errors import ConfigError, VitforgeError
from vitforge_pipelines.cli.exit_codes import ExitCode

people = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One line of JSON on standard output."""
    typer.echo(json.dumps(value))


def say(value: dict[str, Any], text: str, json_: bool) -> None:
    """An answer: JSON for programs, or the text for people."""
    if json_:
        print_json(value)
    else:
        people.print(text, soft_wrap=True)


def show_error(
    cause: str, *, where: str = "", mend: str = "", step: str = "", how: str = "failed"
) -> None:
    """A failure as a person wants it: where, what, and the way out."""
    from rich.panel import Panel
    from rich.text import Text

    body = Text(cause)
    for label, text in (("at", where), ("mend", mend)):
        if text:
            body.append(f"\n{label}  ", style="bold")
            body.append(text)
    title = f"{step} {how}" if step else "error"
    people.print(Panel(body, title=title, title_align="left", border_style="red", padding=(0, 1)))


def stop(error: VitforgeError, *, json_: bool = False, usage: bool = False) -> NoReturn:
    """Show an error and leave with the exit status that fits it.

    Args:
        error: What to show.
        json_: Print it as a line of JSON too.
        usage: What was typed is wrong, although the error is no `ConfigError`.
    """
    show_error(error.cause, where=error.where, mend=error.mend)
    if json_:
        print_json({"error": {"cause": error.cause, "where": error.where, "mend": error.mend}})
    wrong = usage or isinstance(error, ConfigError)
    raise typer.Exit(ExitCode.USAGE if wrong else ExitCode.FAILED)
