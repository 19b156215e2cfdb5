"""The charts of the evaluation report."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from vitforge.evaluation.calibration import ReliabilityBin
from vitforge.metrics.predictions import Predictions
from vitforge.report import chart_style, figure_svg
from vitforge.statistics import wilson

MAX_MATRIX = 40
"""Most classes that the confusion matrix is drawn for; more would be dust."""
BLUE, ORANGE = "#4c86b8", "#d98a3d"


def reliability_diagram(bins: Sequence[ReliabilityBin], level: float) -> Markup:
    """Accuracy against confidence, with the bins' intervals and sizes."""
    from matplotlib.figure import Figure

    filled = [b for b in bins if b.n]
    confidence = np.array([b.confidence for b in filled])
    accuracy = np.array([b.accuracy for b in filled])
    bounds = np.array([wilson(b.accuracy * b.n, b.n, level) for b in filled])
    reach = np.abs(bounds - accuracy[:, None]).T
    with chart_style():
        figure = Figure(figsize=(6.2, 5.2))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color="#8a9099", linewidth=1, linestyle="--")
        upper.text(0.47, 0.38, "perfectly calibrated", color="#8a9099", fontsize=9)
        upper.errorbar(
            confidence,
            accuracy,
            yerr=reach,
            fmt="o-",
            color=BLUE,
            linewidth=1.5,
            elinewidth=1,
            capsize=3,
            markersize=5,
        )
        upper.set(xlim=(0, 1.02), ylim=(0, 1.05), ylabel="accuracy")
        lower.bar(
            [b.low for b in bins],
            [b.n for b in bins],
            width=1 / len(bins) * 0.9,
            align="edge",
            color=BLUE,
        )
        lower.set(xlabel="confidence", ylabel="images")
        return figure_svg(
            figure,
            f"Points above the dashed line: less sure than right; below it: surer than right. "
            f"Bars are {level:.0%} intervals; thin bins have long ones.",
        )


def entropy_histogram(found: Predictions) -> Markup:
    """Entropy of the predictions, right and wrong ones apart."""
    from matplotlib.figure import Figure

    top = float(np.log(found.classes))
    edges = np.linspace(0, top, 31).tolist()
    right, wrong = found.entropy[found.correct], found.entropy[~found.correct]
    with chart_style():
        figure = Figure(figsize=(6.2, 3.0))
        axes = figure.subplots()
        axes.hist(
            [right, wrong],
            bins=edges,
            stacked=True,
            color=[BLUE, ORANGE],
            label=[f"right ({len(right):,})", f"wrong ({len(wrong):,})"],
        )
        axes.set(xlabel="entropy of a prediction, nats", ylabel="images", xlim=(0, top))
        axes.legend()
        return figure_svg(
            figure, f"0 is certainty; ln {found.classes} = {top:.2f} nats is a blind guess."
        )


def confusion_figure(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Markup:
    """Shares of each true class (rows), with the counts written in."""
    from matplotlib.figure import Figure

    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(classes)
    side = min(7.6, 2.2 + 0.42 * size)
    fits = size <= 20
    names = [name if len(name) <= 14 else name[:13] + "…" for name in classes]
    with chart_style():
        figure = Figure(figsize=(side, side))
        axes = figure.subplots()
        axes.grid(False)
        # Cells as vectors, not as one image: they stay sharp and take the page's colours.
        true, predicted = np.nonzero(counts)
        for i, j in zip(true.tolist(), predicted.tolist(), strict=True):
            share = float(shares[i, j])
            colour = BLUE if i == j else ORANGE
            axes.add_patch(_cell(j, i, colour, 0.15 + 0.75 * share))
            if fits:
                axes.text(j, i, f"{counts[i, j]}", ha="center", va="center", fontsize=9)
        axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal")
        axes.set_xticks(range(size), names, rotation=90 if max(map(len, names)) > 3 else 0)
        axes.set_yticks(range(size), names)
        axes.set(xlabel="predicted", ylabel="true")
        axes.tick_params(length=0, labelsize=9 if fits else 7)
        return figure_svg(figure, "Images of each true class by prediction; mistakes in orange.")


def _cell(x: int, y: int, colour: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, color=colour, alpha=alpha, linewidth=0)
