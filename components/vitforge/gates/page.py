"""The verdict as a section of the evaluation report."""

from collections.abc import Sequence

from markupsafe import Markup

from vitforge.artifacts import GateRow, Verdict
from vitforge.gates.champion import SUFFIX
from vitforge.report import (
    Line,
    Section,
    badge,
    interval_text,
    lines,
    metric_title,
    number_text,
    prose,
)

_MEANING = {
    "PASS": "Every gate is passed: the version may challenge the champion.",
    "FAIL": "A gate refuses the model: the version is registered, but may not challenge.",
    "INCONCLUSIVE": "No gate refuses the model, but not every one could be decided.",
}
_ORDER = ("FAIL", "INCONCLUSIVE", "PASS", "NOT APPLICABLE")


def verdict_section(verdict: Verdict) -> Section:
    """The outcome and all gates at a glance; then a line a gate, what needs a look first."""
    compared = any(row.metric.endswith(SUFFIX) for row in verdict.rows)
    against = (
        f"It is held against version {verdict.champion or 'of the champion'} on the same images."
        if compared
        else "There is no champion to compare with yet."
    )
    alarms = len(verdict.alarms)
    also = f" {_count(alarms, 'alarm')} to look at." if alarms else ""
    if alarms and verdict.outcome == "PASS":
        also = f" {_count(alarms, 'alarm')} to look at; alarms do not refuse."
    headline = Markup('<p class="verdict {}">{}</p>').format(
        verdict.outcome.lower(), summary(verdict, names=False)
    )
    meaning = prose(f"{_meaning(verdict)}{also} {against}")
    ordered = sorted(verdict.rows, key=lambda row: (not row.blocks, _ORDER.index(row.outcome)))
    return Section(
        f"Verdict: {verdict.outcome}",
        headline + meaning + _glance(ordered) + lines(_line(row) for row in ordered),
        anchor="verdict",
    )


def state(row: GateRow) -> str:
    """The outcome, and ALARM where a failing row does not refuse the model."""
    return "ALARM" if row.outcome == "FAIL" and not row.blocks else row.outcome


def summary(verdict: Verdict, *, names: bool = True) -> str:
    """`PASS: 4 of 4 gates`, and the names of those that did not."""
    judged = [row for row in verdict.rows if row.outcome != "NOT APPLICABLE"]
    passed = sum(row.outcome == "PASS" for row in judged)
    others = ", ".join(f"{row.name} {state(row)}" for row in judged if row.outcome != "PASS")
    told = f"{passed} of {len(judged)} gates"
    if not names:
        return f"{told} passed"
    return f"{verdict.outcome}: {told}" + (f" ({others})" if others else "")


def _meaning(verdict: Verdict) -> str:
    if verdict.outcome == "PASS" and verdict.alarms:
        return "No gate refuses the model: the version may challenge the champion."
    return _MEANING[verdict.outcome]


def _glance(rows: Sequence[GateRow]) -> Markup:
    chips = Markup("").join(
        Markup("<li>{} {}</li>").format(metric_title(row.metric, row.slice), badge(state(row)))
        for row in rows
        if row.outcome != "NOT APPLICABLE"
    )
    return Markup('<ul class="glance">{}</ul>').format(chips)


def _line(row: GateRow) -> Line:
    told = [f"{row.evidence}."]
    if row.change:
        told.append(f"What would change it: {row.change}.")
    space = "\N{NO-BREAK SPACE}"
    limit = row.threshold.replace(">= ", f"≥{space}").replace("<= ", f"≤{space}")
    return Line(
        title=f"{metric_title(row.metric, row.slice)} {limit}",
        state=state(row),
        value="" if row.value is None else number_text(row.value),
        interval=interval_text(row.low, row.high) if row.n else "",
        n=row.n,
        code=row.metric,
        told=tuple(told),
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
