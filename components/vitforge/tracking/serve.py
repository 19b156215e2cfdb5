"""The embedded MLflow server's process: `python -m vitforge.tracking.serve FD UPGRADE ARGS`.

`mlflow server` migrates the database and then starts a second Python that imports MLflow all over
again, which doubles its start-up. Here the command runs as it is, and only that last hop is taken
over: the ASGI app is served by this process, on a socket that the caller has already bound, so
that nobody can take the port meanwhile. Where an MLflow has no such hop, its own way is taken.
"""

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SCHEMA_FILE = "schema-version"


class _ServedHere:
    """Stands in for the second process: serves until stopped."""

    def __init__(self, listener: socket.socket, command: Sequence[str]) -> None:
        self._listener = listener
        self._app = command[-1]

    def poll(self) -> int:
        """Nothing to forward signals to."""
        return 0

    def wait(self) -> int:
        """Serve; uvicorn ends on SIGTERM and SIGINT."""
        import uvicorn

        config = uvicorn.Config(self._app, log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[self._listener])
        return 0


def main(arguments: Sequence[str]) -> None:
    """Run `mlflow server` with `arguments[2:]` in this process, its folder being the current one.

    Args:
        arguments: A bound socket's file descriptor; the database to migrate first, or an empty
            string; and the arguments of `mlflow server`.
    """
    import uvicorn  # noqa: F401  # MLflow looks for it to know that it runs as a server
    from mlflow import cli, server, version

    listener = socket.socket(fileno=int(arguments[0]))
    if arguments[1]:
        cli.cli(["db", "upgrade", arguments[1]], standalone_mode=False)

    def serve_here(
        command: Sequence[str], *, extra_env: Mapping[str, str], **_: Any
    ) -> _ServedHere:
        # Here the database is migrated: told to the next start, which may then trust it.
        Path(SCHEMA_FILE).write_text(version.VERSION)
        os.environ.update(extra_env)
        return _ServedHere(listener, command)

    if hasattr(server, "_exec_cmd"):
        server._exec_cmd = serve_here
    else:
        listener.close()
    cli.cli(["server", *arguments[2:]])


if __name__ == "__main__":
    main(sys.argv[1:])
