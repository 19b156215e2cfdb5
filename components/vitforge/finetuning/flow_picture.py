"""The picture of a training's gradient flow, block by block."""

from collections.abc import Sequence
from typing import Any

from vitforge.report.charts import chart_style
from vitforge.training.gradient_flow import FlowSample


def draw_flow(samples: Sequence[FlowSample]) -> Any:
    """A matplotlib figure; one line a block, from dark (first) to bright (last).

    Args:
        samples: At least one.
    """
    from matplotlib.figure import Figure

    steps = [sample.step for sample in samples]
    with chart_style():
        figure = Figure(figsize=(9.5, 5.2))
        (attention, mlp), (update, entropy) = figure.subplots(2, 2, sharex=True)
        _lines(attention, steps, [sample.attention_norms for sample in samples])
        attention.set(title="Gradient norm, attention", yscale="log")
        _lines(mlp, steps, [sample.mlp_norms for sample in samples])
        mlp.set(title="Gradient norm, MLP", yscale="log")
        _lines(update, steps, [sample.update_ratios for sample in samples])
        update.set(title="A step's change over the weights", yscale="log", xlabel="step")
        update.axhline(1e-3, color="grey", linestyle=":", linewidth=1)
        _lines(entropy, steps, [tuple(s.share for s in sample.spreads) for sample in samples])
        entropy.set(title="Attention entropy over its most", ylim=(0, 1.02), xlabel="step")
    return figure


def _lines(axes: Any, steps: Sequence[int], values: Sequence[tuple[float | None, ...]]) -> None:
    from matplotlib import colormaps

    count = len(values[0])
    for block in range(count):
        points = [
            (step, value)
            for step, row in zip(steps, values, strict=True)
            if (value := row[block]) is not None and value > 0
        ]
        if points:
            colour = colormaps["viridis"](block / max(1, count - 1) * 0.9)
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=1)
