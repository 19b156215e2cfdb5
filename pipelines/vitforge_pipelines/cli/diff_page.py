"""The page that holds one run against another."""

import json
from typing import Any

from vitforge.report import Line, Report, Section, lines, metric_title, number_text, prose, table
from vitforge_pipelines.runners.difference import MetricDifference, RunDifference

_MOST = 40
"""Rows of slices shown; the widest differences."""


def difference_report(found: RunDifference) -> Report:
    """Metrics first, then what may explain them."""
    whole = [row for row in found.metrics if row.slice == "all" and row.difference is not None]
    sliced = [row for row in found.metrics if row.slice != "all" and row.difference]
    sliced.sort(key=lambda row: -abs(row.difference or 0.0))
    sure = sum(row.surely for row in whole)
    intro = prose(
        f"{sure} of {sum(row.n > 0 for row in whole)} paired metrics differ by more than chance "
        "alone explains; the others may be equal."
        if any(row.n for row in whole)
        else "Without the same test images no difference has an interval."
    )
    sections = [
        Section("Metrics", intro + lines(_line(row) for row in whole)),
        Section("Config", _pairs(found.config, found)),
        Section("Data", _pairs(found.data, found)),
    ]
    if sliced:
        text = prose("The widest differences of classes, groups and conditions; not paired.")
        body = text + lines(_line(row) for row in sliced[:_MOST])
        sections.append(Section("Slices", body))
    return Report(f"{found.ours} less {found.theirs}", found.headline, sections)


def _line(row: MetricDifference) -> Line:
    assert row.difference is not None and row.ours is not None and row.theirs is not None
    interval = ""
    if row.low is not None and row.high is not None:
        interval = f"{row.low:+.3g} to {row.high:+.3g}"
    return Line(
        metric_title(row.name, row.slice),
        state="differs" if row.surely else "",
        value=f"{row.difference:+.4g}",
        interval=interval,
        n=row.n,
        told=(f"{number_text(row.ours)} now, {number_text(row.theirs)} in the other run",),
    )


def _pairs(pairs: tuple[tuple[str, Any, Any], ...], found: RunDifference) -> str:
    if not pairs:
        return prose("The same in both.")
    rows = [(key, _text(ours), _text(theirs)) for key, ours, theirs in pairs]
    return table(("", found.ours, found.theirs), rows)


def _text(value: Any) -> str:
    told = value if isinstance(value, str) else json.dumps(value)
    return told if len(told) <= 200 else told[:199] + "…"
