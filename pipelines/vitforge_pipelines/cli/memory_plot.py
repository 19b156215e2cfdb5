"""The picture of `vitforge plan memory`: what tensors hold, by batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vitforge_pipelines.cli.planner import save_plot

if TYPE_CHECKING:
    from vitforge.planning.memory_measured import Build, TrainingStep

GIB = 2**30


def draw_memory(build: Build, step: TrainingStep, path: Path) -> None:
    """Draw a quarter of the batch, half of it, the batch, and twice as much.

    Args:
        build: Makes the backbone.
        step: With the batch in the middle.
        path: An .svg or .html file.
    """
    from vitforge.planning.memory_measured import measure_peak
    from vitforge.report import chart_style

    batches = sorted({max(1, step.batch // 4), max(1, step.batch // 2), step.batch, step.batch * 2})
    found = [measure_peak(build, replace(step, batch=batch)) for batch in batches]
    with chart_style():
        from matplotlib.figure import Figure

        figure = Figure()
        axes = figure.subplots()
        names = [str(batch) for batch in batches]
        fixed = [m.weights / GIB for m in found]
        moments = [m.optimizer / GIB for m in found]
        axes.bar(names, fixed, label="weights")
        axes.bar(names, moments, bottom=fixed, label="AdamW's moments")
        below = [a + b for a, b in zip(fixed, moments, strict=True)]
        rest = [m.activations / GIB for m in found]
        axes.bar(names, rest, bottom=below, label="activations and gradients")
        axes.set(xlabel="images a forward pass", ylabel="GiB", title="Peak training memory")
        axes.legend()
    save_plot(path, figure, "Peak training memory", "Without a GPU's context and fragmentation.")
