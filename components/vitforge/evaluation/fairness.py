"""Whether every declared group is served equally well, and what the largest gap is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import EVERY_TASK, Context, Need
from vitforge.evaluation.group_measures import Measured, measures
from vitforge.metrics.groups import Group, groups
from vitforge.statistics import Estimate, difference

NEEDS: Need = "predictions"
TASKS = EVERY_TASK
GAP_SUFFIX = "_gap"


@dataclass(frozen=True)
class Gap:
    """The largest difference between two groups of one dimension."""

    metric: str
    estimate: Estimate
    best: str
    worst: str
    n: int
    """Images of the smaller of the two."""


def rows(context: Context) -> list[MetricRow]:
    """Every metric of every group; the largest gap of each slice, as `accuracy_gap` and so on;
    and `fairness_gap`, the largest of any metric that is gated on: the alarm's row."""
    told: list[MetricRow] = []
    gaps: list[Gap] = []
    for dimension, members in groupby(groups(context.found.slices), lambda group: group.dimension):
        found = list(members)
        for measured in measures(context, found):
            told += [_group_row(measured, group) for group in found]
            gap = largest_gap(measured, found, context)
            if gap is not None:
                gaps.append(gap)
                told.append(_gap_row(gap, f"{gap.metric}{GAP_SUFFIX}", dimension, context))
    if context.found.slices and context.found.task != "regression":  # errors have no points
        told.append(_alarm_row(gaps, context))
    return told


def largest_gap(measured: Measured, found: Sequence[Group], context: Context) -> Gap | None:
    """The largest difference, allowing for its being the largest of many.

    Upper bound: the largest of the pairs' upper bounds, for the truly widest pair is one of them.
    Lower bound: the largest of the pairs' lower bounds at a level shared out among the pairs
    (Bonferroni).

    Returns:
        None where fewer than two groups have `evaluation.min_group` images.
    """
    enough = [g for g in found if measured.count(g) >= context.config.min_group]
    pairs = list(combinations(enough, 2))
    if not pairs:
        return None
    level = context.config.confidence_level
    shared = 1 - (1 - level) / len(pairs)
    plain = {g.name: measured.estimate(g, level) for g in enough}
    strict = {g.name: measured.estimate(g, shared) for g in enough}
    best, worst = max(
        ((a, b) if plain[a.name].value >= plain[b.name].value else (b, a) for a, b in pairs),
        key=lambda pair: plain[pair[0].name].value - plain[pair[1].name].value,
    )
    ordered = [p for a, b in pairs for p in ((a.name, b.name), (b.name, a.name))]
    return Gap(
        metric=measured.name,
        estimate=Estimate(
            plain[best.name].value - plain[worst.name].value,
            max(0.0, *(difference(strict[a], strict[b]).low for a, b in ordered)),
            max(difference(plain[a], plain[b]).high for a, b in ordered),
        ),
        best=best.name,
        worst=worst.name,
        n=min(measured.count(best), measured.count(worst)),
    )


def _group_row(measured: Measured, group: Group) -> MetricRow:
    n = measured.count(group)
    if not n:
        return MetricRow(
            name=measured.name,
            value=0.0,
            low=0.0,
            high=1.0,
            n=0,
            slice=group.name,
            note="no image of the group to count",
        )
    value, low, high = measured.estimate(group, measured.level)
    return MetricRow(
        name=measured.name,
        value=value,
        low=low,
        high=high,
        n=n,
        slice=group.name,
        note=measured.how,
    )


def _gap_row(gap: Gap, name: str, slice_: str, context: Context) -> MetricRow:
    note = f"{gap.best} less {gap.worst}; {judgement(gap, context.config.gap_alarm)}"
    value, low, high = gap.estimate
    return MetricRow(name=name, value=value, low=low, high=high, n=gap.n, slice=slice_, note=note)


def judgement(gap: Gap, alarm: float) -> str:
    """Alarm, no alarm, or how many images would tell."""
    value, low, high = gap.estimate
    points = f"{100 * alarm:g} points"
    if low > alarm:
        return f"ALARM: more than {points}"
    if high <= alarm:
        return f"within {points}"
    # The gap may be larger than the alarm or smaller: what its nearer bound must cross decides.
    reach = value - low if value > alarm else high - value
    distance = abs(value - alarm)
    if distance < 1e-9:
        return f"INCONCLUSIVE: the gap lies on {points}"
    needed = math.ceil(gap.n * (reach / distance) ** 2)
    return f"INCONCLUSIVE: about {needed:,} images a group would tell whether it is over {points}"


def _alarm_row(gaps: Sequence[Gap], context: Context) -> MetricRow:
    """The widest gap of all; the bounds hold each of them, whichever is truly widest."""
    judged = [gap for gap in gaps if gap.metric in ALARMED]
    if not judged:
        return MetricRow(
            name="fairness_gap",
            value=0.0,
            low=0.0,
            high=1.0,
            n=0,
            note=f"INCONCLUSIVE: fewer than two groups of a slice have "
            f"{context.config.min_group} test images",
        )
    widest = max(judged, key=lambda gap: gap.estimate.value)
    bounds = Estimate(
        widest.estimate.value,
        max(gap.estimate.low for gap in judged),
        max(gap.estimate.high for gap in judged),
    )
    whole = Gap(f"{widest.metric}", bounds, widest.best, widest.worst, widest.n)
    row = _gap_row(whole, "fairness_gap", "all", context)
    return row.model_copy(update={"note": f"{widest.metric}: {row.note}"})


ALARMED = ("accuracy", "true_positive_rate", "false_positive_rate", "underdiagnosis", "auroc")
"""Metrics whose gap between groups raises the alarm."""
