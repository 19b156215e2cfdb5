"""The step `register_model`."""

from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from vitforge import container


@dsl.component(base_image=container.SLIM, install_kfp_package=False)
def register_model(
    prepared: Input[Dataset],
    plan: Input[Artifact],
    checkpoint: Input[Model],
    predictions: Input[Artifact],
    metrics: Input[Artifact],
    bundle: Input[Model],
    verdict: Input[Artifact],
    model_name: str,
    registry: dict[str, Any],
    version: Output[Artifact],
) -> str:
    """File the model version in MLflow; `challenger` only if no gate failed."""
    from vitforge.tracking import StepRun

    with StepRun("register_model") as run:
        from pathlib import Path

        from vitforge.config import RegistryConfig, parse
        from vitforge.registration.register import Sources, register

        run.params({"model_name": model_name, "registry": registry})
        registered = register(
            Sources(
                dataset=Path(prepared.path),
                plan=Path(plan.path),
                checkpoint=Path(checkpoint.path),
                predictions=Path(predictions.path),
                metrics=Path(metrics.path),
                bundle=Path(bundle.path),
                verdict=Path(verdict.path),
            ),
            model_name=model_name,
            config=parse(RegistryConfig, registry, "registry"),
            out=Path(version.path),
            run=run,
        )
    return registered.version
