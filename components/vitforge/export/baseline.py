"""What the model sees and says on the test split: the past that drift is measured against."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.config.data import Task
from vitforge.tasks import predicted_classes, probabilities


def write_baseline(
    task: Task, outputs_NO: NDArray[np.float32], mean_pixels: NDArray[np.float64], path: Path
) -> None:
    """Write one row an image: `mean_pixel`, and what was answered.

    That is `confidence`, `entropy` (nats) and `predicted` of a class; `probabilities`, a list, of
    labels; `value` of a regression.

    Args:
        task: What the outputs mean.
        outputs_NO: Of the served variant.
        mean_pixels: Mean of each image before normalisation, shape (N,), [0, 1].
        path: The parquet file.
    """
    import pyarrow
    import pyarrow.parquet

    columns: dict[str, Any]
    if task == "regression":
        columns = {"value": outputs_NO[:, 0]}
    elif task == "multi_label":
        columns = {"probabilities": list(probabilities(task, outputs_NO))}
    else:
        shares_NK = probabilities(task, outputs_NO)
        predicted_N = predicted_classes(task, shares_NK)
        surprise_NK = -np.log(np.maximum(shares_NK, np.finfo(np.float64).tiny))
        columns = {
            "confidence": shares_NK[np.arange(len(shares_NK)), predicted_N],
            "entropy": (shares_NK * surprise_NK).sum(axis=1),
            "predicted": predicted_N,
        }
    table = pyarrow.table(columns | {"mean_pixel": mean_pixels})
    pyarrow.parquet.write_table(table, path)
