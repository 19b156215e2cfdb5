"""Charts of the stress evaluators and of groups, drawn from their rows alone."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from vitforge.artifacts import MetricRow
from vitforge.evaluation.figures import BLUE, ORANGE
from vitforge.report import chart_style, figure_svg

GREY = "#8a9099"


def corruption_curves(rows: Sequence[MetricRow], alarm: float) -> Markup:
    """Accuracy of each corruption against severity, a small chart each, the alarm dashed.

    Args:
        rows: `shift_accuracy` in slices `clean` and `NAME SEVERITY`.
        alarm: Relative drop that raises one.
    """
    from matplotlib.figure import Figure

    clean = next(row.value for row in rows if row.slice == "clean")
    curves: dict[str, list[tuple[int, MetricRow]]] = {}
    for row in rows:
        name, _, severity = row.slice.rpartition(" ")
        if name:
            curves.setdefault(name, []).append((int(severity), row))
    columns = 4
    lines = -(-len(curves) // columns)
    with chart_style():
        figure = Figure(figsize=(7.6, 1.45 * lines + 0.4))
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, (name, found) in zip(grid.flat, curves.items(), strict=False):
            levels = [level for level, _ in found]
            value = np.array([row.value for _, row in found])
            bounds = np.array([(row.low or row.value, row.high or row.value) for _, row in found])
            colour = ORANGE if value.mean() < clean * (1 - alarm) else BLUE
            axes.axhline(clean * (1 - alarm), color=GREY, linewidth=1, linestyle="--")
            axes.fill_between(levels, bounds[:, 0], bounds[:, 1], color=colour, alpha=0.2, lw=0)
            axes.plot(levels, value, "o-", color=colour, linewidth=1.5, markersize=3.5)
            axes.set_title(name.replace("_", " "), fontsize=9)
            axes.set(ylim=(0, 1.03), xticks=levels)
            axes.tick_params(labelsize=8)
        for axes in list(grid.flat)[len(curves) :]:
            axes.set_visible(False)
        figure.supxlabel("severity", fontsize=9)
        figure.supylabel("accuracy", fontsize=9)
        return figure_svg(
            figure,
            f"Accuracy with its interval under each corruption; dashed: {alarm:.0%} below the "
            f"{clean:.1%} of the clean images. Orange: on average below it.",
        )


def group_chart(rows: Sequence[MetricRow], metric: str) -> Markup:
    """A metric of every group with its interval, widest gap visible at a glance.

    Args:
        rows: Of one metric, in slices `site=A`.
        metric: Its name.
    """
    from matplotlib.figure import Figure

    found = [row for row in rows if row.n][::-1]
    with chart_style():
        figure = Figure(figsize=(7.0, 0.9 + 0.3 * len(found)))
        axes = figure.subplots()
        place = np.arange(len(found))
        value = np.array([row.value for row in found])
        low = np.array([row.value if row.low is None else row.low for row in found])
        high = np.array([row.value if row.high is None else row.high for row in found])
        reach = np.abs(np.stack([value - low, high - value]))
        axes.errorbar(value, place, xerr=reach, fmt="o", color=BLUE, capsize=3, markersize=5)
        axes.set_yticks(place, [f"{row.slice} (n = {row.n:,})" for row in found])
        axes.set(xlabel=metric.replace("_", " "), ylim=(-0.6, len(found) - 0.4))
        axes.grid(axis="y", visible=False)
        return figure_svg(figure, "Intervals that overlap widely say little of a difference.")


def attention_chart(rows: Sequence[MetricRow]) -> Markup:
    """Entropy (as a share of the possible) and diversity of the heads, layer by layer.

    Args:
        rows: `attention_entropy_share` and `attention_diversity` in slices `layer 1`, ...
    """
    from matplotlib.figure import Figure

    with chart_style():
        figure = Figure(figsize=(7.0, 2.8))
        axes = figure.subplots()
        for name, colour in (("attention_entropy_share", BLUE), ("attention_diversity", ORANGE)):
            layers = [(int(row.slice.split()[1]), row) for row in rows if row.name == name]
            depth = [layer for layer, _ in layers]
            label = name.removeprefix("attention_").replace("_", " ")
            axes.plot(depth, [row.value for _, row in layers], "o-", color=colour, label=label)
        axes.set(xlabel="layer", ylim=(0, 1.03), xticks=depth)
        axes.legend()
        return figure_svg(
            figure,
            "Entropy near 0 or low diversity is collapse; entropy near 1 is looking everywhere.",
        )


def attack_chart(rows: Sequence[MetricRow]) -> Markup:
    """Accuracy under each attack against the largest change of a pixel.

    Args:
        rows: `robust_accuracy` in slices `clean` and `fgsm 1/255`.
    """
    from matplotlib.figure import Figure

    clean = next(row for row in rows if row.slice == "clean")
    attacks = dict.fromkeys(row.slice.split()[0] for row in rows if row.slice != "clean")
    with chart_style():
        figure = Figure(figsize=(7.0, 2.8))
        axes = figure.subplots()
        for attack in attacks:
            found = [row for row in rows if row.slice.split()[0] == attack]
            size = [0.0, *(float(row.slice.split()[1].split("/")[0]) for row in found)]
            axes.plot(size, [clean.value, *(row.value for row in found)], "o-", label=attack)
        axes.set(xlabel="largest change of a pixel, 255ths", ylabel="accuracy", ylim=(0, 1.03))
        axes.legend()
        return figure_svg(figure, f"Right before and after the attack; {clean.n} images.")
