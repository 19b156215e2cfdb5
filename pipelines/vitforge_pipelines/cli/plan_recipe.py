"""`vitforge plan recipe`: a published recipe as a config."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from vitforge_pipelines.cli.planner import JsonOption, answer, errors_told, warn


def recipe(
    name: Annotated[
        str, typer.Argument(help="fine-tune, deit, deit-document, deit3, augreg or medical.")
    ] = "fine-tune",
    images: Annotated[int, typer.Option(help="Training images.")] = 0,
    batch: Annotated[int, typer.Option(help="Images an optimizer step.")] = 64,
    train_top1: Annotated[
        float | None, typer.Option(help="Accuracy on training images so far, 0 to 1.")
    ] = None,
    val_top1: Annotated[
        float | None, typer.Option(help="Accuracy on validation images so far, 0 to 1.")
    ] = None,
    plateaued: Annotated[bool, typer.Option("--plateaued", help="Both stopped rising.")] = False,
    json_: JsonOption = False,
) -> None:
    """A published recipe as a config, changed by what was seen.

    The config goes to standard output, the reasons to standard error.

    Examples:

        vitforge plan recipe --images 5000 > my.yaml

        vitforge plan recipe deit --batch 256 --train-top1 0.99 --val-top1 0.80
    """
    import yaml

    from vitforge_pipelines.cli.console import people

    with errors_told():
        from vitforge.planning.guide import Signs, advise
        from vitforge.planning.recipe import build_recipe

        made = build_recipe(name, batch, images)
        # `fine-tune` has looked at the number of images already.
        counted = 0 if name == "fine-tune" else images
        signs = Signs(counted, train_top1, val_top1, plateaued)
        tuned, advice = advise(made.finetuning, signs)
        config: dict[str, Any] = {
            "strategy": made.strategy,
            "epochs": made.epochs,
            "finetuning": tuned.model_dump(mode="json"),
        }
        if json_:
            told = {"recipe": made.name, "source": made.source, "reasons": made.reasons}
            rules = {"advice": [asdict(one) for one in advice], "not_in_config": made.beyond}
            answer(True, {"config": config} | told | rules, ())
            return
        people.print(f"[bold]{made.name}[/]  {made.source}", soft_wrap=True)
        for reason in made.reasons:
            people.print(f"  {reason}", soft_wrap=True)
        for one in advice:
            people.print(f"[bold]saw[/] {one.saw}: {one.because}", soft_wrap=True)
            for change in one.changed or ("nothing to change",):
                people.print(f"  {change}")
        warn(f"not in the config: {wish}" for wish in made.beyond)
        typer.echo(yaml.safe_dump(config, sort_keys=False), nl=False)
