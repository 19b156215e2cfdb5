"""The training's report: its curves, its gradient flow, and what they say."""

from typing import Any

from vitforge.artifacts import TrainingSummary
from vitforge.report import Report, Section, facts, figure_svg, prose


def training_report(summary: TrainingSummary, curves: Any, flow: Any | None) -> Report:
    """Build the page.

    Args:
        summary: As it is saved.
        curves: From `draw_curves`.
        flow: From `draw_flow`; None where no step was looked at.
    """
    told = (*summary.alarms, *summary.advice)
    figures = {
        "best epoch": summary.best_epoch,
        f"validation {summary.metric.replace('_', ' ')}": summary.best_value,
        "seconds": round(summary.seconds),
        "trained parameters": summary.trainable_parameters,
        "precision": summary.precision,
    }
    sections = [
        Section("What it says", prose(*told) if told else prose("Nothing unusual was seen.")),
        Section("Figures", facts(figures)),
        Section("Curves", figure_svg(curves, "loss, metric and learning rate over the epochs")),
    ]
    if flow is not None:
        text = "One line a block, from dark (first) to bright (last)."
        sections.append(
            Section("Gradient flow", prose(text) + figure_svg(flow, "norms and entropy by block"))
        )
    return Report("Training", f"strategy {summary.strategy}, on {summary.device}", sections)
