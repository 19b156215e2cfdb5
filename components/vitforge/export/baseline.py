"""What the model sees and says on the test split: the past that drift is measured against."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_baseline(
    probabilities: NDArray[np.float64], mean_pixels: NDArray[np.float64], path: Path
) -> None:
    """Write one row an image: `confidence`, `entropy` (nats), `predicted`, `mean_pixel`.

    Args:
        probabilities: Softmax of the served variant, shape (N, C).
        mean_pixels: Mean of each image before normalisation, shape (N,), [0, 1].
        path: The parquet file.
    """
    import pyarrow
    import pyarrow.parquet

    surprise = -np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    table = pyarrow.table(
        {
            "confidence": probabilities.max(1),
            "entropy": (probabilities * surprise).sum(1),
            "predicted": probabilities.argmax(1).astype(np.int64),
            "mean_pixel": mean_pixels,
        }
    )
    pyarrow.parquet.write_table(table, path)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Softmax over the last axis, in double precision."""
    exponents = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    shares: NDArray[np.float64] = exponents / exponents.sum(-1, keepdims=True)
    return shares
