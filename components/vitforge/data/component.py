"""The step `prepare_data`."""

from typing import Any

from kfp import dsl
from kfp.dsl import Dataset, Output

from vitforge import container


@dsl.component(base_image=container.SLIM, install_kfp_package=False)
def prepare_data(
    dataset: str,
    seed: int,
    data: dict[str, Any],
    prepared: Output[Dataset],
) -> None:
    """Read a data set, check it, split it, and write Arrow splits and a report."""
    from vitforge.tracking import StepRun

    with StepRun("prepare_data") as run:
        from pathlib import Path

        from vitforge.config import DataConfig, parse
        from vitforge.data.prepare import prepare

        run.params({"dataset": dataset, "seed": seed, "data": data})
        prepare(dataset, seed, parse(DataConfig, data, "data"), Path(prepared.path), run)
