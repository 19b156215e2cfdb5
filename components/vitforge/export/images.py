"""Images of a split as the batches a model takes."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import Preprocessing
from vitforge.preprocessing import to_array


def image_batches(
    split: Any, indices: Sequence[int], preprocessing: Preprocessing, batch_size: int
) -> Iterator[NDArray[np.float32]]:
    """Preprocess chosen images, one batch in memory at a time.

    Args:
        split: A `datasets.Dataset` with the column `image`.
        indices: Rows to take, in this order.
        preprocessing: How an image becomes a model's input.
        batch_size: Images a batch; the last may hold fewer.

    Yields:
        float32, shape (batch, 3, image_size, image_size).
    """
    for start in range(0, len(indices), batch_size):
        chosen = indices[start : start + batch_size]
        yield np.stack([to_array(split[index]["image"], preprocessing) for index in chosen])
