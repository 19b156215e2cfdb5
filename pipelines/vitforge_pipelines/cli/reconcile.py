"""`vitforge reconcile`: what is live is kept equal to what a person called champion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.address import HostOption, PortOption, live_address
from vitforge_pipelines.cli.console import people, say, stop
from vitforge_pipelines.cli.exit_codes import ExitCode
from vitforge_pipelines.cli.models import JsonOption, NameArgument, connect

if TYPE_CHECKING:
    from vitforge.config import DeploymentConfig
    from vitforge.deployment.reconcile import Reconciliation


def reconcile(
    name: NameArgument,
    once: Annotated[bool, typer.Option("--once", help="Look once, and leave.")] = False,
    every: Annotated[float, typer.Option(min=1.0, help="Seconds between looks.")] = 30.0,
    webhook_port: Annotated[
        int | None,
        typer.Option(help="Also listen for MLflow's webhooks on this port; 0 takes a free one."),
    ] = None,
    webhook_host: Annotated[
        str, typer.Option(help="Address that MLflow reaches this machine by.")
    ] = "127.0.0.1",
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    json_: JsonOption = False,
) -> None:
    """Keep what is live on this machine equal to the alias champion, until Ctrl-C.

    People set the alias in MLflow's UI; this checks the version's verdict and hashes, takes it
    live, and writes the ledger. A version that fails a check is refused, and the alias goes back.

    Exit status of --once: 0 when champion and live server agree, 3 when a version was refused.

    Example:

        vitforge reconcile digits --webhook-port 0
    """
    from vitforge.deployment.reconcile import reconcile as look_once

    try:
        connect()
        if once:
            found = look_once(name, live_address(name, host, port))
            told = {"name": name, "outcome": found.outcome, "champion": found.champion or None}
            say(told | {"detail": found.detail}, found.detail, json_)
            if found.outcome == "refused":
                raise typer.Exit(ExitCode.REFUSED)
            return
        _watch(name, live_address(name, host, port), every, webhook_host, webhook_port, json_)
    except VitforgeError as error:
        stop(error)


def _watch(
    name: str, config: DeploymentConfig, every: float, host: str, port: int | None, json_: bool
) -> None:
    import signal
    import threading
    from contextlib import ExitStack

    from vitforge.deployment.watching import watch, webhook

    wake, end = threading.Event(), threading.Event()

    def leave(*_: object) -> None:
        end.set()
        wake.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    with ExitStack() as stack:
        if port is not None:
            url = stack.enter_context(webhook(name, host, port, wake))
            people.print(f"listening for MLflow's webhooks at {url}")
        people.print(f"watching champion of {name}, every {every:g} s; Ctrl-C ends it")
        told = _Teller(name, json_)
        watch(name, config, every=every, wake=wake, stop=end, on_look=told)


class _Teller:
    """Says what a look found, unless it is what the look before found."""

    def __init__(self, name: str, json_: bool) -> None:
        self._name, self._json, self._last = name, json_, ""

    def __call__(self, found: Reconciliation | VitforgeError) -> None:
        from datetime import UTC, datetime

        failed = isinstance(found, VitforgeError)
        text = found.cause if isinstance(found, VitforgeError) else found.detail
        if text == self._last:
            return
        self._last = text
        time = datetime.now(UTC).strftime("%H:%M:%S")
        outcome = "failed" if isinstance(found, VitforgeError) else found.outcome
        told = {"name": self._name, "time": time, "outcome": outcome, "detail": text}
        again = "; trying again" if failed else ""
        say(told, f"{time}  {outcome}: {text}{again}", self._json)
