"""The step `finetune_model`."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from vitforge import container


@dsl.component(base_image=container.GPU, install_kfp_package=False)
def finetune_model(
    prepared: Input[Dataset],
    plan: Input[Artifact],
    checkpoint: Output[Model],
) -> None:
    """Train the planned backbone on the training split."""
    from vitforge.tracking import StepRun

    with StepRun("finetune_model") as run:
        from pathlib import Path

        from vitforge.finetuning.finetune import finetune

        finetune(Path(prepared.path), Path(plan.path), Path(checkpoint.path), run)
