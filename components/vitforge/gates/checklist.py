"""The document's production check list, each line with its numbers or what would give them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from markupsafe import Markup

from vitforge.artifacts import GateRow, Verdict
from vitforge.gates.measured import Key, Measured
from vitforge.gates.page import state
from vitforge.gates.production import LISTS, Check
from vitforge.report import Line, Section, interval_text, lines, metric_title, number_text, prose

_MOST = 5
"""Rows shown of one metric's slices; the worst ones."""
_WORST_HIGH = ("slice_drop", "edge_sure_and_wrong", "accuracy_gap", "auroc_gap", "mae_gap")
_ORDER = ("FAIL", "ALARM", "INCONCLUSIVE", "PASS")


def checklist_section(
    found: Mapping[Key, Measured],
    verdict: Verdict,
    recipe: Mapping[str, str] = MappingProxyType({}),
) -> Section:
    """Every line of the check lists, in the document's order.

    Args:
        found: Everything that was measured, by metric and slice.
        verdict: The gates, whose outcomes are shown at the lines that they judge.
        recipe: How the model was trained, by name; in words.
    """
    judged = {(row.metric, row.slice): row for row in verdict.rows}
    body = Markup("")
    told = done = 0
    for title, checks in LISTS.items():
        blocks = [tuple(_block(check, found, judged, recipe)) for check in checks]
        told += len(checks)
        done += sum(block[0].state != "not measured" for block in blocks)
        body += Markup("<h3>{}</h3>").format(title) + lines(line for b in blocks for line in b)
    intro = prose(
        f"{done} of {told} lines are answered by a number; the others say what would give one. "
        "Outcomes are those of the gates; a line without a gate is only measured."
    )
    return Section("Production check list", intro + body, anchor="check-list")


def _block(
    check: Check,
    found: Mapping[Key, Measured],
    judged: Mapping[Key, GateRow],
    recipe: Mapping[str, str],
) -> Iterator[Line]:
    """The line, then one for each of its numbers."""
    keys = [key for metric in check.metrics for key in _keys(metric, found, judged)]
    facts = {name: recipe[name] for name in check.metrics if name in recipe}
    if not keys and not facts:
        yield Line(check.line, "not measured", told=(f"How to: {check.how}.",))
        return
    states = {state(judged[key]) for key in keys if key in judged}
    worst = next((outcome for outcome in _ORDER if outcome in states), "measured")
    worst = "recorded" if facts and not keys else worst
    yield Line(check.line, worst)
    for name, told in facts.items():
        yield Line(
            metric_title(name), value=told, told=("training.json and plan.json.",), minor=True
        )
    for key in keys:
        yield _number(key, found.get(key), judged.get(key))


def _keys(metric: str, found: Mapping[Key, Measured], judged: Mapping[Key, GateRow]) -> list[Key]:
    name, _, slice_ = metric.partition("@")
    if slice_ != "*":
        key = (name, slice_ or "all")
        there = key in found and found[key].row.n
        return [key] if there or (key in judged and judged[key].n) else []
    keys = [key for key, measured in found.items() if key[0] == name and measured.row.n]
    most_first = -1 if name in _WORST_HIGH else 1
    return sorted(keys, key=lambda key: most_first * found[key].row.value)[:_MOST]


def _number(key: Key, measured: Measured | None, judged: GateRow | None) -> Line:
    name, slice_ = key
    title = metric_title(name, slice_)
    if measured is None:
        assert judged is not None and judged.value is not None
        return Line(
            title,
            value=number_text(judged.value),
            interval=interval_text(judged.low, judged.high),
            n=judged.n,
            code=name,
            told=(f"{judged.evidence}.",),
            minor=True,
        )
    row = measured.row
    return Line(
        title,
        value=number_text(row.value),
        interval=interval_text(row.low, row.high),
        n=row.n,
        code=name,
        told=(f"{measured.source}: {row.note or 'no interval'}.",),
        minor=True,
    )
