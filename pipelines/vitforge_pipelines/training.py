"""The training DAG: read this file to know the flow.

prepare_data → select_model → finetune_model ─┬→ evaluate_model ─┐
                                              └→ export_model ───┴→ gate_model → register_model
→ (alias `champion`, set by a person) → deploy_model
"""

from typing import Any

from kfp import dsl

from vitforge.config import PipelineConfig
from vitforge.data.component import prepare_data
from vitforge.deployment.component import deploy_model
from vitforge.evaluation.component import evaluate_model
from vitforge.export.component import export_model
from vitforge.finetuning.component import finetune_model
from vitforge.gates.component import gate_model
from vitforge.registration.component import register_model
from vitforge.selection.component import select_model
from vitforge_pipelines.resources import always, heavy, light

DEFAULTS = PipelineConfig().model_dump(mode="json", exclude_none=True)


@dsl.pipeline(
    name="vitforge-training",
    description="From an image data set to a registered, rehearsed Vision Transformer.",
)
def training(
    dataset: str = DEFAULTS["dataset"],
    model_name: str = DEFAULTS["model_name"],
    backbone: str = DEFAULTS["backbone"],
    strategy: str = DEFAULTS["strategy"],
    epochs: int = DEFAULTS["epochs"],
    seed: int = DEFAULTS["seed"],
    data: dict[str, Any] = DEFAULTS["data"],
    selection: dict[str, Any] = DEFAULTS["selection"],
    finetuning: dict[str, Any] = DEFAULTS["finetuning"],
    evaluation: dict[str, Any] = DEFAULTS["evaluation"],
    export: dict[str, Any] = DEFAULTS["export"],
    gates: dict[str, Any] = DEFAULTS["gates"],
    registry: dict[str, Any] = DEFAULTS["registry"],
    deployment: dict[str, Any] = DEFAULTS["deployment"],
) -> None:
    """Run the eight steps; parameters are the keys of a config file."""
    prepared = light(prepare_data(dataset=dataset, seed=seed, data=data)).outputs["prepared"]
    plan = heavy(
        select_model(
            prepared=prepared,
            backbone=backbone,
            strategy=strategy,
            epochs=epochs,
            seed=seed,
            selection=selection,
            finetuning=finetuning,
        )
    ).outputs["plan"]
    checkpoint = heavy(finetune_model(prepared=prepared, plan=plan)).outputs["checkpoint"]
    evaluated = heavy(
        evaluate_model(prepared=prepared, checkpoint=checkpoint, seed=seed, evaluation=evaluation)
    )
    bundle = heavy(
        export_model(prepared=prepared, checkpoint=checkpoint, seed=seed, export=export)
    ).outputs["bundle"]
    verdict = light(
        gate_model(
            predictions=evaluated.outputs["predictions"],
            metrics=evaluated.outputs["metrics"],
            bundle=bundle,
            plan=plan,
            checkpoint=checkpoint,
            model_name=model_name,
            gates=gates,
        )
    ).outputs["verdict"]
    version = light(
        register_model(
            prepared=prepared,
            plan=plan,
            checkpoint=checkpoint,
            predictions=evaluated.outputs["predictions"],
            metrics=evaluated.outputs["metrics"],
            bundle=bundle,
            verdict=verdict,
            model_name=model_name,
            registry=registry,
        )
    ).outputs["version"]
    always(light(deploy_model(version=version, deployment=deployment)))
