"""`vitforge plan schedule|recipe|freeze`: how to train."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitforge.errors import ConfigError
from vitforge_pipelines.cli.planner import (
    STRATEGIES,
    JsonOption,
    PlotOption,
    answer,
    check_plot,
    errors_told,
    one_of,
    save_plot,
    warn,
)

if TYPE_CHECKING:
    from vitforge.planning.schedule import Schedule


def schedule(
    lr: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3,
    total: Annotated[int, typer.Option(help="Steps of the whole training.")] = 50_000,
    warmup: Annotated[int | None, typer.Option(help="Warm-up, steps.")] = None,
    epochs: Annotated[int, typer.Option(help="In place of --total, with --images.")] = 0,
    warmup_epochs: Annotated[float | None, typer.Option(help="In place of --warmup.")] = None,
    images: Annotated[int, typer.Option(help="Training images.")] = 0,
    batch: Annotated[int, typer.Option(help="Images an optimizer step.")] = 64,
    scale_from: Annotated[
        int, typer.Option(help="Scale --lr from this batch size: 512 as DeiT, 256 as MAE.")
    ] = 0,
    rule: Annotated[str, typer.Option(help="How: linear or sqrt.")] = "linear",
    strategy: Annotated[str, typer.Option(help="full, partial, head or lora.")] = "full",
    min_lr: Annotated[float, typer.Option(help="Where the cosine ends.")] = 0.0,
    plot: PlotOption = None,
    json_: JsonOption = False,
) -> None:
    """Learning rate over time: linear warm-up into a cosine, and the document's curve beside it.

    Examples:

        vitforge plan schedule --lr 0.001 --warmup 2000 --total 50000 --plot lr.svg

        vitforge plan schedule --lr 5e-4 --scale-from 512 --batch 128 --images 50000 --epochs 30
    """
    with errors_told():
        from vitforge.planning.base_rate import scale_base_rate
        from vitforge.planning.batch import check_batch
        from vitforge.planning.schedule import plan_schedule

        check_plot(plot)
        check_batch(batch)
        one_of(rule, ("linear", "sqrt"), "--rule")
        one_of(strategy, STRATEGIES, "--strategy")
        reasons: tuple[str, ...] = ()
        if scale_from or strategy != "full":
            rate = scale_base_rate(lr, batch, scale_from or batch, rule, strategy)  # type: ignore[arg-type]
            lr, reasons = rate.value, rate.reasons
        per_epoch = -(-images // batch)
        if epochs:
            if not images:
                raise ConfigError("steps need the number of images", mend="type --images 50000")
            total = epochs * per_epoch
        if warmup is None and warmup_epochs is None:
            warmup = total // 25
        made = plan_schedule(lr, total, warmup, warmup_epochs, per_epoch, min_lr, reasons)
        if plot:
            _draw_schedule(made, plot)
        points = made.samples(101)
        value = asdict(made) | {
            "points": [{"step": s, "engine": e, "document": d} for s, e, d in points]
        }
        lines = [
            ("peak", f"{made.base:.4g} after {made.warmup} of {made.total} steps"),
            ("end", f"{made.at(made.total - 1):.4g}"),
            *(("why", reason) for reason in made.reasons),
            *(
                (f"step {step}", f"{made.at(step):.4g}   document {made.document_at(step):.4g}")
                for step in sorted({made.total * k // 8 for k in range(8)} | {made.total - 1})
            ),
        ]
        answer(json_, value, lines)


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


def freeze(
    images: Annotated[int, typer.Option(help="Training images.")],
    depth: Annotated[int, typer.Option(help="Blocks of the backbone.")] = 12,
    similarity: Annotated[
        float | None, typer.Option(help="Of the task to the pretraining, 0 to 1.")
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            help="An .npz file that measures it: `labels`, and `block_0`, `block_1`… of shape "
            "images × features; with `after_0`… of a short fine-tune, blocks are compared by CKA."
        ),
    ] = None,
    frozen_blocks: Annotated[
        int | None, typer.Option(help="A number of your own, to be checked.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Which blocks to keep fixed: task similarity × amount of data.

    Examples:

        vitforge plan freeze --images 4000 --similarity 0.6

        vitforge plan freeze --images 4000 --features features.npz
    """
    with errors_told():
        from vitforge.planning.freezing import check_frozen_blocks, plan_freezing

        measured: dict[str, Any] = {}
        if features is not None:
            measured = _measure(features)
            depth, similarity = measured["depth"], measured["similarity"]
        if similarity is None:
            raise ConfigError(
                "how alike the tasks are is not known",
                mend="measure it with --features FILE, or type --similarity 0.5",
            )
        made = plan_freezing(depth, images, similarity)
        if frozen_blocks is not None:
            check_frozen_blocks(frozen_blocks, depth)
        lines = [
            ("strategy", made.strategy),
            ("frozen blocks", f"{made.frozen_blocks} of {made.depth}"),
            *(("why", reason) for reason in made.reasons),
        ]
        if "cka" in measured:
            lines.append(("CKA per block", " ".join(f"{v:.3f}" for v in measured["cka"])))
            lines.append(("unchanged", f"the first {measured['settled_blocks']} blocks"))
        answer(json_, asdict(made) | {"measured": measured}, lines)


def _measure(path: Path) -> dict[str, Any]:
    """Similarity from features in a file."""
    import zipfile

    import numpy as np

    from vitforge.planning.similarity import cka_per_block, settled_blocks, task_similarity

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"the features cannot be read: {error}",
            where=str(path),
            mend="write them with numpy.savez(FILE, labels=..., block_0=..., block_1=...)",
        ) from error
    depth = sum(name.startswith("block_") for name in arrays)
    wanted = ["labels", *(f"block_{i}" for i in range(max(1, depth)))]
    if missing := [name for name in wanted if name not in arrays]:
        raise ConfigError(f"{missing[0]} is missing", where=str(path), mend=f"add {missing[0]}")
    blocks = [arrays[f"block_{i}"] for i in range(depth)]
    probes = [task_similarity(block, arrays["labels"]) for block in blocks]
    told: dict[str, Any] = {"depth": depth, "similarity": probes[-1], "probe_per_block": probes}
    after = [arrays[name] for i in range(depth) if (name := f"after_{i}") in arrays]
    if after:
        told["cka"] = cka_per_block(blocks, after)
        told["settled_blocks"] = settled_blocks(told["cka"])
    return told


def _draw_schedule(made: Schedule, path: Path) -> None:
    from vitforge.report import chart_style

    with chart_style():
        from matplotlib.figure import Figure

        figure = Figure()
        axes = figure.subplots()
        steps, engine, document = zip(*made.samples(400), strict=True)
        axes.plot(steps, engine, label="engine: warm-up, half a cosine")
        axes.plot(steps, document, "--", label="document, clamped at 0")
        axes.axvline(made.warmup, color="#8a9099", linewidth=1)
        axes.set(xlabel="step", ylabel="learning rate", title="Learning rate")
        axes.legend()
    caption = f"Peak {made.base:.4g} after {made.warmup} of {made.total} steps."
    save_plot(path, figure, "Learning rate", caption)
