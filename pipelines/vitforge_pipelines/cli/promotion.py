"""`vitforge promote`, `rollback` and `history`: who answers, and who said so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.address import HostOption, PortOption, live_address
from vitforge_pipelines.cli.console import people, print_json, say, stop
from vitforge_pipelines.cli.models import (
    JsonOption,
    NameArgument,
    VersionArgument,
    connect,
    find_number,
)

if TYPE_CHECKING:
    from vitforge.config import DeploymentConfig

ReasonOption = Annotated[str, typer.Option(help="Why; kept in the ledger.")]


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
            say(told, f"champion of {name}: {champion or 'none'} → {number}", json_)
            return
        url = None
        if deploy:
            rehearsal = _rehearse(name, number, live_address(name, host, port), force)
            registry.promote(name, number, reason, force=force)
            url = _settle(name, live_address(name, host, port), rehearsal)
        else:
            registry.promote(name, number, reason, force=force)
    except VitforgeError as error:
        stop(error)
    text = f"{name} version {number} is champion" + (f" (was {champion})" if champion else "")
    if url:
        text += f"\nlive at {url}\ntry  curl --data-binary @image.png {url}/predict"
    say({"name": name, "version": number, "was": champion, "url": url}, text, json_)


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
        config = live_address(name, "127.0.0.1", None)
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
    say(told | {"rehearsed_only": rehearse}, text, json_)


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
