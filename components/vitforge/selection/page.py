"""The plan's report: what was chosen and why, and accuracy against latency."""

from typing import Any

from vitforge.artifacts import CandidateResult, Plan
from vitforge.report import Report, Section, chart_style, facts, figure_svg, prose, table
from vitforge.selection.reasons import deciding

Point = tuple[float, float, str]
"""Milliseconds an image, top-1 in percent, name."""


def pareto_front(points: list[Point]) -> list[Point]:
    """Those that no other beats in both speed and accuracy, from the fastest on."""
    front: list[Point] = []
    for point in sorted(points, key=lambda one: (one[0], -one[1])):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front


def plan_report(plan: Plan) -> Report:
    """Build the page.

    Args:
        plan: As it will be saved.
    """
    name = plan.backbone.display
    figures: dict[str, Any] = {
        "backbone": name,
        "strategy": plan.strategy,
        "epochs": plan.epochs,
        "expected training": f"{plan.expected_seconds:.0f} s",
        "expected memory": "–"
        if plan.predicted_memory_mib is None
        else f"{plan.predicted_memory_mib:,.0f} MiB",
    }
    why = list(plan.reasons)
    if plan.runner_up:
        why.append(f"Runner-up: {plan.runner_up}; {plan.runner_up_because}.")
    sections = [Section("The choice", facts(figures) + prose(*why), anchor="choice")]
    measured = [row for row in plan.candidates if not row.skipped]
    if any(deciding(row)[0] is not None for row in measured):
        sections.append(Section("Accuracy against latency", _picture(measured)))
    sections.append(Section("Measured", _measured(measured)))
    passed_over = [row for row in plan.candidates if row.skipped]
    if passed_over:
        rows = [
            (row.name, row.licence or None, row.skipped, row.mend or None) for row in passed_over
        ]
        headers = ("candidate", "licence", "why", "what would help")
        sections.append(Section("Not measured", table(headers, rows)))
    return Report("The plan", f"{name}, chosen by measurement", sections)


def _measured(rows: list[CandidateResult]) -> str:
    headers = (
        "candidate",
        "parameters",
        "ms an image",
        "neighbours",
        "linear probe",
        "LogME",
        "short fine-tune",
        "interval",
        "n",
        "licence",
    )
    return table(
        headers,
        [
            (
                row.name,
                row.parameters,
                row.latency_ms,
                row.knn_top1,
                row.probe_top1,
                row.logme,
                row.trial_top1,
                None if row.low is None else f"{row.low:.3f}\N{NO-BREAK SPACE}to {row.high:.3f}",
                row.n or None,
                row.licence or None,
            )
            for row in rows
        ],
    )


def _picture(rows: list[CandidateResult]) -> str:
    """One mark a candidate; the two ways of measuring are never joined to one front."""
    from matplotlib.figure import Figure

    series: dict[str, list[Point]] = {}
    for row in rows:
        value, how = deciding(row)
        if value is not None:
            series.setdefault(how, []).append((row.latency_ms, 100 * value, row.name))
    with chart_style():
        figure = Figure()
        axes = figure.subplots()
        for how, points in series.items():
            front = pareto_front(points)
            (line,) = axes.plot([x for x, _, _ in front], [y for _, y, _ in front], linewidth=1)
            xs, ys = [x for x, _, _ in points], [y for _, y, _ in points]
            axes.scatter(xs, ys, color=line.get_color(), label=how, zorder=3)
            for x, y, name in points:
                label = name.removeprefix("timm/")
                axes.annotate(label, (x, y), (5, 4), textcoords="offset points", fontsize=8)
        axes.margins(x=0.25, y=0.2)
        axes.set(xlabel="ms an image, batch 1", ylabel="top-1, %")
        axes.legend()
    return figure_svg(figure, "Lines join the Pareto front: no other is faster and more accurate.")
