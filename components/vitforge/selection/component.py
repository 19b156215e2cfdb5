"""The step `select_model`."""

from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

from vitforge import container


@dsl.component(base_image=container.GPU, install_kfp_package=False)
def select_model(
    prepared: Input[Dataset],
    backbone: str,
    strategy: str,
    epochs: int,
    seed: int,
    selection: dict[str, Any],
    finetuning: dict[str, Any],
    plan: Output[Artifact],
) -> None:
    """Measure the candidate backbones on this data and write the plan."""
    from vitforge.tracking import StepRun

    with StepRun("select_model") as run:
        from pathlib import Path

        from vitforge.config import FinetuningConfig, SelectionConfig, parse
        from vitforge.selection.select import select

        run.params({"backbone": backbone, "strategy": strategy, "epochs": epochs, "seed": seed})
        run.params({"selection": selection, "finetuning": finetuning})
        select(
            Path(prepared.path),
            backbone=backbone,
            strategy=strategy,
            epochs=epochs,
            seed=seed,
            config=parse(SelectionConfig, selection, "selection"),
            recipe=parse(FinetuningConfig, finetuning, "finetuning"),
            out=Path(plan.path),
            run=run,
        )
