"""The step `export_model`."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

from vitforge import container


@dsl.component(base_image=container.GPU, install_kfp_package=False)
def export_model(
    prepared: Input[Dataset],
    checkpoint: Input[Model],
    seed: int,
    export: dict[str, Any],
    bundle: Output[Model],
) -> None:
    """Write ONNX FP32 and INT8 files and hold their answers and speed against the model."""
    from vitforge.tracking import StepRun

    with StepRun("export_model") as run:
        from pathlib import Path

        from vitforge.config import ExportConfig, parse
        from vitforge.export.export import export_bundle

        run.params({"seed": seed, "export": export})
        export_bundle(
            Path(prepared.path),
            Path(checkpoint.path),
            seed=seed,
            config=parse(ExportConfig, export, "export"),
            out=Path(bundle.path),
            run=run,
        )
