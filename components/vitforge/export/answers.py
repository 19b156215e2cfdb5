"""What the trained model and the exported files say of a whole split."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import Preprocessing
from vitforge.export.images import image_batches
from vitforge.export.parity import INVARIANCE_IMAGES
from vitforge.export.runtime import Engine, Infer

BATCH = 32


def answer_split(
    inferences: Mapping[Engine, Infer], test: Any, preprocessing: Preprocessing
) -> tuple[dict[Engine, NDArray[np.float32]], NDArray[np.float64], NDArray[np.float32]]:
    """Ask everybody about a whole split, in one pass with one batch in memory.

    Args:
        inferences: The trained model and the exported files.
        test: A `datasets.Dataset` with the column `image`; N images.
        preprocessing: How an image becomes a model's input.

    Returns:
        Outputs of each, shape (N, O); each image's mean before normalisation, shape (N,), [0, 1];
        and the first images themselves, shape (at most 64, 3, H, W).
    """
    answers: dict[Engine, list[NDArray[np.float32]]] = {name: [] for name in inferences}
    means: list[NDArray[np.float64]] = []
    sample: list[NDArray[np.float32]] = []
    scale = np.asarray(preprocessing.std, dtype=np.float32).reshape(3, 1, 1)
    shift = np.asarray(preprocessing.mean, dtype=np.float32).reshape(3, 1, 1)
    for batch in image_batches(test, range(len(test)), preprocessing, BATCH):
        for name, infer in inferences.items():
            answers[name].append(infer(batch))
        means.append((batch * scale + shift).mean((1, 2, 3), dtype=np.float64))
        if len(sample) * BATCH < INVARIANCE_IMAGES:
            sample.append(batch)
    outputs = {name: np.concatenate(parts) for name, parts in answers.items()}
    return outputs, np.concatenate(means), np.concatenate(sample)
