"""The evaluation report: figures first, then calibration, mistakes and classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from vitforge.artifacts import TEST, DatasetInfo, MetricRow, Metrics, ModelConfig
from vitforge.config import EvaluationConfig
from vitforge.evaluation.calibration import reliability_bins
from vitforge.evaluation.evaluator import CLASS_TASKS
from vitforge.evaluation.figures import (
    MAX_MATRIX,
    confusion_figure,
    entropy_histogram,
    reliability_diagram,
)
from vitforge.evaluation.stress_page import stress_sections
from vitforge.metrics.predictions import Predictions
from vitforge.report import Report, Section, facts, image_wall, metric_title, prose, table
from vitforge.splits import open_split

MISTAKES = 24
"""Most mistakes shown as pictures."""
MOST_CLASSES = 100
"""Classes listed; the weakest ones, so that the page stays small."""
PAIRS = 10
"""Most confused pairs listed."""
_KEY = (
    "top1",
    "top5",
    "balanced_accuracy",
    "macro_f1",
    "ece",
    "entropy",
    "reliable_share",
    "reliable_accuracy",
)
_WIDE = Markup('<div style="min-width: 14rem">{}</div>')
"""Sentences keep a readable width where the table is wider than the screen."""
_NOT_SHARES = ("mcc", "nll", "brier", "entropy", "ece", "ece_null")


def build_report(
    dataset: Path,
    info: DatasetInfo,
    model: ModelConfig,
    found: Predictions,
    metrics: Metrics,
    config: EvaluationConfig,
    drawn: Sequence[Section] = (),
) -> Report:
    """Put the report together.

    Args:
        dataset: Folder of the dataset artifact, for the pictures.
        info: The data set.
        model: The model that was measured.
        found: Its predictions.
        metrics: What was computed from them.
        config: The step's settings.
        drawn: What the evaluators drew themselves.
    """
    overall = [row for row in metrics.rows if row.slice == "all"]
    of_classes = found.task in CLASS_TASKS
    what = f"{found.n:,} held-out images, {found.task.replace('_', ' ')}"
    if of_classes:
        wrong = found.n - int(found.correct.sum())
        mistakes = f"{wrong:,} mistake" + ("" if wrong == 1 else "s")
        what = f"{found.n:,} held-out images, {found.classes:,} classes, {mistakes}"
    return Report(
        title=f"Evaluation of {model.backbone.display} on {info.name}",
        subtitle=f"{what}; intervals at {metrics.confidence_level:.0%}",
        sections=[
            Section("Key figures", _key_figures(overall)),
            *(_class_sections(dataset, found, metrics, config) if of_classes else ()),
            *stress_sections(metrics.rows, config),
            *drawn,
        ],
    )


def _class_sections(
    dataset: Path, found: Predictions, metrics: Metrics, config: EvaluationConfig
) -> list[Section]:
    level, classes = metrics.confidence_level, metrics.classes
    bins = reliability_bins(found.confidence, found.correct, config.ece_bins)
    return [
        Section("Calibration", _calibration(metrics) + reliability_diagram(bins, level)),
        Section("Most confident mistakes", _mistakes(dataset, found, classes), "mistakes"),
        Section("Confusion", _confusion(metrics)),
        Section("Classes", _classes(metrics)),
        Section("Uncertainty", entropy_histogram(found)),
    ]


def _key_figures(rows: Sequence[MetricRow]) -> str:
    cards = {metric_title(row.name): show_value(row) for row in rows if row.name in _KEY}
    body = [
        (
            metric_title(row.name),
            show_value(row),
            show_interval(row),
            row.n,
            _WIDE.format(row.note),
        )
        for row in rows
    ]
    return facts(cards) + table(("metric", "value", "interval", "n", "how"), body)


def show_value(row: MetricRow) -> str:
    """The value as people write it; a dash when there was nothing to compute it from."""
    return _number(row.name, row.value) if row.n else "–"


def show_interval(row: MetricRow) -> str:
    """`low to high`, or a dash."""
    if row.low is None or row.high is None or not row.n:
        return "–"
    # Spaces that do not break: an interval is read in one line.
    space = "\N{NO-BREAK SPACE}"
    return f"{_number(row.name, row.low)}{space}to{space}{_number(row.name, row.high)}"


def _number(name: str, value: float) -> str:
    return f"{value:.3f}" if name in _NOT_SHARES or "." in name else f"{value:.1%}"


def _calibration(metrics: Metrics) -> str:
    ece, null = metrics.row("ece"), metrics.row("ece_null")
    if ece is None or null is None or null.high is None:
        return prose("Without resamples nothing can be said about what chance alone would give.")
    told = (
        f"The calibration error is {ece.value:.3f}. A perfectly calibrated model with the same "
        f"confidences would score {null.value:.3f} on {ece.n:,} images by chance alone, "
        f"and rarely more than {null.high:.3f}: "
    )
    if ece.value <= null.high:
        return prose(told + "no miscalibration can be seen at this number of images.")
    return prose(told + "the model's confidence is off by more than chance explains.")


def _mistakes(dataset: Path, found: Predictions, classes: Sequence[str]) -> str:
    wrong = np.flatnonzero(~found.correct)
    if not len(wrong):
        return prose(f"None: all {found.n:,} predictions are right.")
    worst = wrong[np.argsort(-found.confidence[wrong], kind="stable")][:MISTAKES]
    split = open_split(dataset, TEST, CLASS_TASKS)
    wall: list[tuple[Any, str]] = [
        (
            split[int(i)]["image"],
            f"{classes[found.predicted[i]]} ({found.confidence[i]:.0%}), "
            f"is {classes[found.labels[i]]}",
        )
        for i in worst
    ]
    return prose(
        f"What the model says, how sure it is, and what the label says: "
        f"{len(worst):,} of {len(wrong):,} mistakes, the surest first. Wrong labels show up here."
    ) + image_wall(wall, columns=6)


def _confusion(metrics: Metrics) -> str:
    counts = np.asarray(metrics.confusion)
    off = counts * (1 - np.eye(len(counts), dtype=np.int64))
    order = np.argsort(-off, axis=None, kind="stable")[:PAIRS]
    support = counts.sum(axis=1)
    pairs = [
        (metrics.classes[i], metrics.classes[j], int(off[i, j]), f"{off[i, j] / support[i]:.1%}")
        for i, j in (divmod(int(cell), len(counts)) for cell in order)
        if off[i, j]
    ]
    told = table(("true", "predicted", "images", "of the true class"), pairs) if pairs else ""
    if len(metrics.classes) > MAX_MATRIX:
        return prose(f"The {len(pairs)} commonest confusions.") + told
    return confusion_figure(metrics.confusion, metrics.classes) + told


def _classes(metrics: Metrics) -> str:
    by_class = {(row.name, row.slice): row for row in metrics.rows if row.slice != "all"}
    rows = []
    for name in metrics.classes:
        accuracy, precision, f1 = (by_class[key, name] for key in ("accuracy", "precision", "f1"))
        rows.append(
            (
                name,
                accuracy.n,
                show_value(accuracy),
                show_interval(accuracy) if accuracy.n else accuracy.note,
                show_value(precision),
                show_interval(precision) if precision.n else precision.note,
                show_value(f1),
                show_interval(f1),
            )
        )
    headers = ("class", "n", "accuracy", "interval", "precision", "interval", "F1", "interval")
    of_classes = [r for r in metrics.rows if r.slice in metrics.classes]
    worst = min((r for r in of_classes if r.name == "accuracy" and r.n), key=lambda r: r.value)
    if len(rows) > MOST_CLASSES:
        rows = sorted(rows, key=lambda row: by_class["accuracy", row[0]].value)[:MOST_CLASSES]
    told = prose(
        f"The weakest class is {worst.slice}: {worst.value:.1%} of {worst.n:,} images "
        f"({show_interval(worst)}). Accuracy of a class is its recall."
    )
    return told + table(headers, rows)
