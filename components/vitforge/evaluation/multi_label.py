"""How well each label is told, and all of them together."""

from statistics import NormalDist

import numpy as np

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.rows import WILSON, family_rows
from vitforge.evaluation.thresholds import Threshold, choose_thresholds
from vitforge.metrics.multi_label import (
    Ranking,
    auroc,
    average_precision,
    both_known,
    multi_label_families,
)
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import proportion_interval

NEEDS: Need = "predictions"
TASKS: tuple[Task, ...] = ("multi_label",)


def rows(context: Context) -> list[MetricRow]:
    """Means over labels, then `auroc`, `auprc`, and at thresholds chosen on the validation
    images `sensitivity_at_specificity`, `specificity_there` and `threshold`, label by label."""
    found, level = context.found, context.config.confidence_level
    told = [
        row
        for family in multi_label_families(found)
        for row in family_rows(family, context.draws, level)
    ]
    for k, label in enumerate(context.info.classes):
        told += _ranking_rows(found, k, label, level)
    if context.model is not None:
        wanted = context.config.specificity
        chosen = choose_thresholds(context.validation, wanted)
        for k, (label, threshold) in enumerate(zip(context.info.classes, chosen, strict=True)):
            told += _threshold_rows(found, k, label, threshold, wanted, level)
    return told


def ranking_interval(ranking: Ranking, level: float) -> tuple[float, float]:
    """Interval on the logit scale, which keeps within [0, 1].

    Source: Qin & Hotilovac 2008, https://doi.org/10.1177/0962280207087173 (logit of DeLong)
    """
    n = len(ranking.influence)
    # 0 and 1 have no logit; half an image away from them does.
    value = float(np.clip(ranking.value, 0.5 / n, 1 - 0.5 / n))
    error = max(float(ranking.influence.std()) / np.sqrt(n), 0.5 / n)
    reach = NormalDist().inv_cdf(0.5 + level / 2) * error / (value * (1 - value))
    middle = np.log(value / (1 - value))
    low, high = (1 / (1 + np.exp(-(middle + side * reach))) for side in (-1, 1))
    return min(float(low), ranking.value), max(float(high), ranking.value)


def _ranking_rows(found: Predictions, k: int, label: str, level: float) -> list[MetricRow]:
    known = int((~np.isnan(found.labels[:, k])).sum())
    told = []
    for name, rank, how in (
        ("auroc", auroc, "DeLong, on the logit scale"),
        ("auprc", average_precision, "influence of each image, on the logit scale"),
    ):
        if not both_known(found.labels[:, k]):
            note = "every test image has this label, or none has"
            row = MetricRow(name=name, value=0, low=0, high=1, n=0, slice=label, note=note)
        else:
            ranked = rank(found.logits[:, k], found.labels[:, k])
            low, high = ranking_interval(ranked, level)
            row = MetricRow(
                name=name, value=ranked.value, low=low, high=high, n=known, slice=label, note=how
            )
        told.append(row)
    return told


def _threshold_rows(
    found: Predictions, k: int, label: str, chosen: Threshold, wanted: float, level: float
) -> list[MetricRow]:
    truth = found.labels[:, k]
    known = ~np.isnan(truth)
    called = found.probabilities[:, k] >= chosen.value
    positive = known & (truth >= 0.5)
    rows = []
    for name, among, hit in (
        ("sensitivity_at_specificity", positive, called),
        ("specificity_there", known & ~positive, ~called),
    ):
        n, hits = int(among.sum()), int((among & hit).sum())
        low, high = proportion_interval(hits, n, level)
        note = f"{WILSON}; threshold set on validation images for a specificity of {wanted:g}"
        rows.append(
            MetricRow(
                name=name,
                value=hits / max(n, 1),
                low=low,
                high=high,
                n=n,
                slice=label,
                note=note if n else "no test image to count",
            )
        )
    note = f"no interval: the smallest threshold with that specificity on {chosen.n:,} images"
    rows.append(MetricRow(name="threshold", value=chosen.value, n=chosen.n, slice=label, note=note))
    return rows
