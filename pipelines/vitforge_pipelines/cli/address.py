"""Where a model is served: what was typed, or where its live server is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vitforge.config import DeploymentConfig

HostOption = Annotated[str, typer.Option(help="Address to serve on.")]
PortOption = Annotated[
    int | None,
    typer.Option(help="Port to serve on, 0 for a free one; by default the live server's, or 8080."),
]


def live_address(name: str, host: str, port: int | None) -> DeploymentConfig:
    """Where to serve: what was typed, or where the live server is."""
    from vitforge.config import DeploymentConfig, parse
    from vitforge.deployment import local

    live = local.status(name)
    if port is None and live:
        host, port = live.host, live.port
    given = {"host": host, "port": 8080 if port is None else port}
    return parse(DeploymentConfig, given, "--host and --port")
