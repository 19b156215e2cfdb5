"""The verdict as a section of the evaluation report."""

from collections.abc import Sequence

from markupsafe import Markup

from vitforge.artifacts import GateRow, Verdict
from vitforge.gates.champion import METRIC
from vitforge.report import Section, badge, prose, table

_MEANING = {
    "PASS": "Every gate is passed: the version may challenge the champion.",
    "FAIL": "A gate refuses the model: the version is registered, but may not challenge.",
    "INCONCLUSIVE": "No gate refuses the model, but not every one could be decided.",
}


def verdict_section(verdict: Verdict) -> Section:
    """The outcome, then one row a gate."""
    compared = any(row.metric == METRIC for row in verdict.rows)
    against = (
        "The last row holds the model against the champion."
        if compared
        else "There is no champion to compare with yet."
    )
    rows = [
        (
            row.metric,
            badge(row.outcome),
            _number(row.value),
            _interval(row),
            row.n or None,
            row.threshold.replace(" ", "\N{NO-BREAK SPACE}"),
        )
        for row in verdict.rows
    ]
    headers = ("gate", "outcome", "value", "interval", "n", "threshold")
    # Sentences stand below the table: in a column of it they would push it off the screen.
    evidence = Markup("\n").join(
        Markup("<p><strong>{}</strong>: {}.</p>").format(row.metric, row.evidence)
        for row in verdict.rows
    )
    return Section(
        f"Verdict: {verdict.outcome}",
        prose(f"{_MEANING[verdict.outcome]} {against}") + table(headers, rows) + evidence,
        anchor="verdict",
    )


def summary(rows: Sequence[GateRow], outcome: str) -> str:
    """`PASS: 4 of 4 gates`, and the names of those that did not."""
    passed = sum(row.outcome == "PASS" for row in rows)
    others = ", ".join(f"{row.metric} {row.outcome}" for row in rows if row.outcome != "PASS")
    return f"{outcome}: {passed} of {len(rows)} gates" + (f" ({others})" if others else "")


def _interval(row: GateRow) -> str:
    if row.low is None or row.high is None or not row.n:
        return "–"
    # Spaces that do not break: an interval is read in one line.
    return f"{row.low:.3g}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{row.high:.3g}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
