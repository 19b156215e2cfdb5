"""`vitforge status` and `vitforge stop`: what is registered and live on this machine."""

from __future__ import annotations

from typing import Any

import typer

from vitforge.errors import VitforgeError
from vitforge_pipelines.cli.console import people, print_json, stop
from vitforge_pipelines.cli.exit_codes import ExitCode
from vitforge_pipelines.cli.models import JsonOption, NameArgument, connect

ALIASES = ("champion", "challenger", "previous", "deployed")


def status(name: NameArgument, json_: JsonOption = False) -> None:
    """Say which version is champion, deployed, live and previous, and whether they agree.

    Exit status: 0 when the champion is live here, 1 when it is not.

    Example:

        vitforge status digits
    """
    from vitforge import registry
    from vitforge.deployment import local
    from vitforge_pipelines.runners.home import home

    try:
        connect()
        known = registry.versions(name)
    except VitforgeError as error:
        stop(error)
    aliases = {alias: info.version for info in known for alias in info.aliases}
    live = local.status(name)
    row = registry.last_row(home(), name, "deployed")
    told: dict[str, Any] = {
        "name": name,
        "versions": len(known),
        **{alias: aliases.get(alias) for alias in ALIASES},
        "live": live.version if live else None,
        "url": live.url if live else None,
        "since": row.time[:19] + "Z" if row else None,
        "by": row.by if row else None,
        "why": row.reason or None if row else None,
    }
    told["agree"] = None not in (told["live"], told["champion"]) and (
        told["champion"] == told["deployed"] == told["live"]
    )
    if json_:
        print_json(told)
    else:
        for label, value in told.items():
            people.print(f"[bold]{label:<10}[/] {_word(value)}")
        if not told["agree"] and told["champion"]:
            people.print(f"mend       vitforge reconcile {name} --once", soft_wrap=True)
    if not told["agree"]:
        raise typer.Exit(ExitCode.FAILED)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def stop_live(name: NameArgument, json_: JsonOption = False) -> None:
    """Stop the server of a model that is live on this machine; aliases stay.

    Example:

        vitforge stop digits
    """
    from vitforge.deployment import local

    stopped = local.stop(name)
    if json_:
        print_json({"name": name, "stopped": stopped is not None})
    else:
        people.print(f"stopped {stopped.url}" if stopped else f"{name} was not live here")
