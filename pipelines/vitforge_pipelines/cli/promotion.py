"""`vitforge promote`, `rollback`, `reconcile` and `history`: who answers, and who said so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop
from vitforge_pipelines.cli.exit_codes import ExitCode
from vitforge_pipelines.cli.models import (
    JsonOption,
    NameArgument,
    VersionArgument,
    connect,
    find_number,
)

if TYPE_CHECKING:
    from vitforge.config import DeploymentConfig
    from vitforge.deployment.reconcile import Reconciliation

ReasonOption = Annotated[str, typer.Option(help="Why; kept in the ledger.")]
HostOption = Annotated[str, typer.Option(help="Address to serve on.")]
PortOption = Annotated[
    int | None,
    typer.Option(help="Port to serve on, 0 for a free one; by default the live server's, or 8080."),
]


def promote(
    name: NameArgument,
    version: VersionArgument = "challenger",
    reason: ReasonOption = "",
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    deploy: Annotated[bool, typer.Option(help="Take it live on this machine.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Although a gate refused it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change.")] = False,
    json_: JsonOption = False,
) -> None:
    """Make a version the champion, and take it live on this machine.

    The version is rehearsed first; the server before it stays up until the new one answers.
    With --no-deploy a running `vitforge reconcile` takes it live.

    Examples:

        vitforge promote digits 3 --reason "better on sevens"

        vitforge promote digits            # the challenger
    """
    from vitforge import registry

    try:
        connect()
        number = find_number(name, version)
        champion = registry.alias_version(name, registry.CHAMPION)
        if dry_run:
            told: dict[str, Any] = {"name": name, "champion": champion, "would_be": number}
            _say(told, f"champion of {name}: {champion or 'none'} → {number}", json_)
            return
        url = None
        if deploy:
            rehearsal = _rehearse(name, number, _address(name, host, port), force)
            registry.promote(name, number, reason, force=force)
            url = _settle(name, _address(name, host, port), rehearsal)
        else:
            registry.promote(name, number, reason, force=force)
    except VitforgeError as error:
        stop(error)
    text = f"{name} version {number} is champion" + (f" (was {champion})" if champion else "")
    if url:
        text += f"\nlive at {url}\ntry  curl --data-binary @image.png {url}/predict"
    _say({"name": name, "version": number, "was": champion, "url": url}, text, json_)


def rollback(
    name: NameArgument,
    reason: ReasonOption = "",
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Only prove that it could be done, and how fast.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Go back to the version that was live before the champion.

    Example:

        vitforge rollback digits --reason "sevens are read as ones"
    """
    import time

    from vitforge import registry

    start = time.monotonic()
    try:
        connect()
        champion = registry.alias_version(name, registry.CHAMPION)
        number = registry.previous_version(name)
        config = _address(name, "127.0.0.1", None)
        rehearsal = _rehearse(name, number, config, force=True)
        url = None
        if not rehearse:
            registry.promote(name, number, reason, force=True, action="rollback")
            url = _settle(name, config, rehearsal)
    except VitforgeError as error:
        stop(error)
    seconds = time.monotonic() - start
    text = (
        f"{name} could go back from version {champion} to {number}: it starts in "
        f"{rehearsal.start_seconds:.1f} s and answers as it did; nothing was changed"
        if rehearse
        else f"{name} is back at version {number} (was {champion}), in {seconds:.1f} s"
    )
    told = {"name": name, "version": number, "was": champion, "url": url, "seconds": seconds}
    _say(told | {"rehearsed_only": rehearse}, text, json_)


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
            found = look_once(name, _address(name, host, port))
            told = {"name": name, "outcome": found.outcome, "champion": found.champion or None}
            _say(told | {"detail": found.detail}, found.detail, json_)
            if found.outcome == "refused":
                raise typer.Exit(ExitCode.REFUSED)
            return
        _watch(name, _address(name, host, port), every, webhook_host, webhook_port, json_)
    except VitforgeError as error:
        stop(error)


def history(name: NameArgument, json_: JsonOption = False) -> None:
    """List who promoted what, when and why, and what became of it; oldest first.

    Example:

        vitforge history digits
    """
    from rich.table import Table

    from vitforge import registry
    from vitforge_pipelines.runners.home import home

    rows = registry.read_ledger(home(), name)
    if json_:
        for row in rows:
            print_json(row.model_dump())
        return
    if not rows:
        people.print(f"{name} was never promoted from here: {home()}/ledger.jsonl has no row of it")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("when (UTC)", "what", "version", "by", "outcome", "why"):
        table.add_column(title)
    for row in rows:
        moved = f"{row.from_version or '–'} → {row.to_version}"
        when = row.time[:19].replace("T", " ")
        table.add_row(when, row.action, moved, row.by, row.outcome, row.reason)
    people.print(table)


def _rehearse(name: str, number: str, config: DeploymentConfig, force: bool) -> Any:
    """Before the alias moves: a version that cannot serve never becomes champion."""
    from vitforge import registry
    from vitforge.deployment import local
    from vitforge.deployment.rehearsal import rehearse
    from vitforge.serving.listener import listen

    registry.check_promotable(name, number, force=force)
    live = local.status(name)
    if not (live and (live.host, live.port) == (config.host, config.port)):
        listen(config.host, config.port).close()  # somebody else's port is known before it moves
    bundle = local.fetch_bundle(name, number)
    log = local.deployments_folder(name) / "logs" / f"version-{number}.log"
    return rehearse(bundle, name=name, version=number, config=config, log=log)


def _settle(name: str, config: DeploymentConfig, rehearsal: Any) -> str | None:
    """Take the champion live; refuse as the reconciler does."""
    from vitforge.deployment import local
    from vitforge.deployment.reconcile import reconcile as look_once

    found = look_once(name, config, rehearsal=rehearsal)
    if found.refused:
        raise found.refused
    live = local.status(name)
    return live.url if live else None


def _address(name: str, host: str, port: int | None) -> DeploymentConfig:
    """Where to serve: what was typed, or where the live server is."""
    from vitforge.config import DeploymentConfig, parse
    from vitforge.deployment import local

    live = local.status(name)
    if port is None and live:
        host, port = live.host, live.port
    given = {"host": host, "port": 8080 if port is None else port}
    return parse(DeploymentConfig, given, "--host and --port")


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
        _say(told, f"{time}  {outcome}: {text}{again}", self._json)


def _say(value: dict[str, Any], text: str, json_: bool) -> None:
    if json_:
        print_json(value)
    else:
        people.print(text, soft_wrap=True)
