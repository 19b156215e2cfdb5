"""The step `gate_model`."""

from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Input, Model, Output

from vitforge import container


@dsl.component(base_image=container.SLIM, install_kfp_package=False)
def gate_model(
    predictions: Input[Artifact],
    metrics: Input[Artifact],
    bundle: Input[Model],
    plan: Input[Artifact],
    checkpoint: Input[Model],
    model_name: str,
    gates: dict[str, Any],
    verdict: Output[Artifact],
) -> str:
    """Judge the metrics against the gates, and against the champion."""
    from vitforge.tracking import StepRun

    with StepRun("gate_model") as run:
        from pathlib import Path

        from vitforge.config import GatesConfig, parse
        from vitforge.gates.judge import judge
        from vitforge.gates.recipe import read_recipe

        run.params({"model_name": model_name, "gates": gates})
        judged = judge(
            Path(predictions.path),
            Path(metrics.path),
            Path(bundle.path),
            model_name=model_name,
            config=parse(GatesConfig, gates, "gates"),
            out=Path(verdict.path),
            run=run,
            recipe=read_recipe(Path(plan.path), Path(checkpoint.path)),
        )
    return judged.outcome
