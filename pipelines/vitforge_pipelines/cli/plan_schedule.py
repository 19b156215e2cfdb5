"""`vitforge plan schedule`: learning rate over time."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitforge.errors import ConfigError
from vitforge_pipelines.cli.planner import (
    STRATEGY_HELP,
    JsonOption,
    PlotOption,
    answer,
    check_plot,
    errors_told,
    one_of,
    save_plot,
    strategy_of,
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
    strategy: Annotated[str, typer.Option(help=STRATEGY_HELP)] = "full",
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
        if epochs < 0 or images < 0:
            raise ConfigError(
                f"{epochs} epochs of {images} images", mend="type --epochs 30 --images 50000"
            )
        one_of(rule, ("linear", "sqrt"), "--rule")
        known = strategy_of(strategy)
        reasons: tuple[str, ...] = ()
        if scale_from or known != "full":
            rate = scale_base_rate(lr, batch, scale_from or batch, rule, known)  # type: ignore[arg-type]
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
