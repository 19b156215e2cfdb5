"""`vitforge plan`: planners, and the plan of a whole config.

`vitforge plan CONFIG` prepares data and chooses the backbone; `vitforge plan lora` and its
neighbours compute, and touch nothing.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import typer
from typer.core import TyperGroup

from vitforge_pipelines.cli.plan_attention import attention
from vitforge_pipelines.cli.plan_freeze import freeze
from vitforge_pipelines.cli.plan_lora import lora
from vitforge_pipelines.cli.plan_memory import memory
from vitforge_pipelines.cli.plan_metrics import metrics
from vitforge_pipelines.cli.plan_recipe import recipe
from vitforge_pipelines.cli.plan_schedule import schedule
from vitforge_pipelines.cli.run import plan as plan_config

CONFIG_COMMAND = "config"


class _ConfigOrCommand(TyperGroup):
    """Takes a first word that is no subcommand for a config file."""

    def parse_args(self, ctx, args):  # type: ignore[no-untyped-def]  # click's own types differ by version
        words = [word for word in args if not word.startswith("-")]
        first = words[0] if words else ""
        misspelt = not Path(first).exists() and difflib.get_close_matches(first, self.commands)
        if first and first not in self.commands and not misspelt:
            args = [CONFIG_COMMAND, *args]
        return super().parse_args(ctx, args)


plan_app = typer.Typer(
    cls=_ConfigOrCommand,
    no_args_is_help=True,
    help="Plan before spending. With a config: prepare its data and choose its backbone. "
    "With a word below: compute, and touch nothing.",
    epilog="vitforge plan my.yaml · vitforge plan memory --size base --batch 32 --gpu 24",
)
plan_app.command(CONFIG_COMMAND)(plan_config)
for planner in (schedule, recipe, freeze, lora, memory, metrics, attention):
    plan_app.command()(planner)
