"""`vitforge mlflow up|down|status`: the embedded tracking server."""

from __future__ import annotations

from typing import Annotated

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop
from vitforge_pipelines.cli.exit_codes import ExitCode

app = typer.Typer(no_args_is_help=True, help="The embedded MLflow server: up, down, status.")
JsonOption = Annotated[bool, typer.Option("--json", help="One line of JSON.")]


@app.command()
def up(json_: JsonOption = False) -> None:
    """Start the server, or find the one that runs."""
    from vitforge.tracking.server import ensure_server
    from vitforge_pipelines.runners.home import home

    try:
        server = ensure_server(home())
    except VitforgeError as error:
        stop(error)
    if json_:
        print_json({"uri": server.uri, "pid": server.pid, "started": server.started})
    else:
        people.print(f"MLflow answers at {server.uri}")


@app.command()
def down(json_: JsonOption = False) -> None:
    """Stop the server; runs and models stay on disk."""
    from vitforge.tracking.server import stop_server
    from vitforge_pipelines.runners.home import home

    stopped = stop_server(home())
    if json_:
        print_json({"stopped": stopped})
    else:
        people.print("stopped" if stopped else "it was not running")


@app.command()
def status(json_: JsonOption = False) -> None:
    """Say whether the server runs; exit status 1 when it does not."""
    from vitforge.tracking.server import server_status
    from vitforge_pipelines.runners.home import home

    server = server_status(home())
    if json_:
        print_json({"uri": server.uri if server else None, "healthy": bool(server)})
    else:
        people.print(f"MLflow answers at {server.uri}" if server else "not running: vitforge run")
    if server is None:
        raise typer.Exit(ExitCode.FAILED)
