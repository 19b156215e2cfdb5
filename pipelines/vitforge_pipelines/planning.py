"""The first two steps of the training DAG: what would be trained, and how long it would take.

`vitforge run` of the same config goes on from here.
"""

from typing import Any

from kfp import dsl

from vitforge.data.component import prepare_data
from vitforge.selection.component import select_model
from vitforge_pipelines.resources import heavy, light
from vitforge_pipelines.training import DEFAULTS


@dsl.pipeline(name="vitforge-planning", description="Data and plan, before anything is trained.")
def planning(
    dataset: str = DEFAULTS["dataset"],
    backbone: str = DEFAULTS["backbone"],
    strategy: str = DEFAULTS["strategy"],
    epochs: int = DEFAULTS["epochs"],
    seed: int = DEFAULTS["seed"],
    data: dict[str, Any] = DEFAULTS["data"],
    selection: dict[str, Any] = DEFAULTS["selection"],
    finetuning: dict[str, Any] = DEFAULTS["finetuning"],
) -> None:
    """Prepare the data and measure the candidates."""
    prepared = light(prepare_data(dataset=dataset, seed=seed, data=data)).outputs["prepared"]
    heavy(
        select_model(
            prepared=prepared,
            backbone=backbone,
            strategy=strategy,
            epochs=epochs,
            seed=seed,
            selection=selection,
            finetuning=finetuning,
        )
    )
