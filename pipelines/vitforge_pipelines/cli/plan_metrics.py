"""`vitforge plan metrics`: one prediction, from five numbers typed in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from vitforge_pipelines.cli.planner import JsonOption, answer, errors_told


def metrics(
    probabilities: Annotated[list[float], typer.Argument(help="Five of them; they sum to 1.")],
    label: Annotated[int, typer.Option(help="Position of the right class, from 0.")] = 0,
    threshold: Annotated[float, typer.Option(help="Confidence that counts as reliable.")] = 0.5,
    json_: JsonOption = False,
) -> None:
    """Judge one prediction: top-1, top-5, confidence, entropy, calibration error.

    Example:

        vitforge plan metrics 0.7 0.15 0.08 0.05 0.02 --label 0
    """
    with errors_told():
        from vitforge.planning.metrics import prediction_quality

        made = prediction_quality(probabilities, label, threshold)
        lines = [
            ("top-1", "right" if made.top1 else "wrong"),
            ("top-5", "right" if made.top5 else "wrong"),
            ("confidence", f"{made.confidence:.4f}, {made.confidence_level} at {threshold:g}"),
            ("entropy", f"{made.entropy:.4f} nats, {made.normalised_entropy:.1%} of the highest"),
            ("calibration error", f"{made.calibration_error:.4f}"),
            ("reading", made.reading),
        ]
        answer(json_, asdict(made), lines)
