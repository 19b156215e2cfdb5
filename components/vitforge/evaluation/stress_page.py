"""The report's parts on shift, attacks, attention and groups, made from rows."""

from collections.abc import Sequence

from vitforge.artifacts import MetricRow
from vitforge.config import EvaluationConfig
from vitforge.evaluation.stress_figures import (
    attack_chart,
    attention_chart,
    corruption_curves,
    group_chart,
)
from vitforge.report import Line, Section, interval_text, lines, metric_title, number_text, prose

MOST_GROUPS = 30
"""Groups drawn of one metric; the weakest ones."""
_GROUP_METRICS = ("accuracy", "auroc", "mae", "underdiagnosis")


def stress_sections(rows: Sequence[MetricRow], config: EvaluationConfig) -> list[Section]:
    """One section each of what was measured."""
    return [
        *_corruptions(rows, config.stress.drop_alarm),
        *_groups(rows),
        *_attention(rows),
        *_attacks(rows),
    ]


def _corruptions(rows: Sequence[MetricRow], alarm: float) -> list[Section]:
    curves = _named(rows, "shift_accuracy")
    if len(curves) < 2:
        return []
    told = _told(rows, ("shift_drop", "shift_worst_drop", "mce"))
    return [Section("Corruptions", told + corruption_curves(curves, alarm))]


def _groups(rows: Sequence[MetricRow]) -> list[Section]:
    gaps = [row for row in rows if row.name.endswith("_gap")]
    if not gaps:
        return []
    body = lines(
        Line(
            metric_title(row.name, row.slice),
            code=row.name,
            value=number_text(row.value) if row.n else "",
            interval=interval_text(row.low, row.high) if row.n else "",
            n=row.n,
            told=(f"{row.note}.",),
        )
        for row in gaps
    )
    for metric in _GROUP_METRICS:
        found = [row for row in _named(rows, metric) if "=" in row.slice]
        if found:
            weakest = sorted(found, key=lambda row: row.value, reverse=metric in ("mae",))
            body += group_chart(weakest[:MOST_GROUPS], metric)
    return [Section("Groups", body)]


def _attention(rows: Sequence[MetricRow]) -> list[Section]:
    layers = [
        row
        for row in rows
        if row.name in ("attention_entropy_share", "attention_diversity")
        and row.slice.startswith("layer ")
    ]
    if not layers:
        return []
    told = _told(rows, ("attention_good", "attention_collapsed", "attention_uniform"))
    return [Section("Attention, layer by layer", told + attention_chart(layers), "attention")]


def _attacks(rows: Sequence[MetricRow]) -> list[Section]:
    found = _named(rows, "robust_accuracy")
    if len(found) < 2:
        return []
    return [Section("Attacks", _told(rows, ("dramatic_changes",)) + attack_chart(found))]


def _told(rows: Sequence[MetricRow], names: Sequence[str]) -> str:
    """The whole model's numbers."""
    found = [row for row in rows if row.slice == "all" and row.name in names]
    if not found:
        return prose()
    return lines(
        Line(
            metric_title(row.name),
            code=row.name,
            value=number_text(row.value),
            interval=interval_text(row.low, row.high),
            n=row.n,
            told=(f"{row.note}.",),
        )
        for row in found
    )


def _named(rows: Sequence[MetricRow], name: str) -> list[MetricRow]:
    return [row for row in rows if row.name == name]
