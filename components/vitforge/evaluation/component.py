"""The step `evaluate_model`."""

from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from vitforge import container


@dsl.component(base_image=container.GPU, install_kfp_package=False)
def evaluate_model(
    prepared: Input[Dataset],
    checkpoint: Input[Model],
    seed: int,
    evaluation: dict[str, Any],
    predictions: Output[Artifact],
    metrics: Output[Artifact],
) -> None:
    """Predict the test split once and compute every clean metric from it."""
    from vitforge.tracking import StepRun

    with StepRun("evaluate_model") as run:
        from pathlib import Path

        from vitforge.config import EvaluationConfig, parse
        from vitforge.evaluation.evaluate import evaluate

        run.params({"seed": seed, "evaluation": evaluation})
        evaluate(
            Path(prepared.path),
            Path(checkpoint.path),
            seed=seed,
            config=parse(EvaluationConfig, evaluation, "evaluation"),
            predictions=Path(predictions.path),
            out=Path(metrics.path),
            run=run,
        )
