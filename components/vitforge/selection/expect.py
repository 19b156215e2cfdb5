"""How long the training will take."""

import math

from vitforge.artifacts import CandidateResult
from vitforge.config import FinetuningConfig

FORWARD_SHARE = 1 / 3
"""A forward pass is about a third of a training step; validation only goes forward."""


def expected_seconds(
    result: CandidateResult, recipe: FinetuningConfig, epochs: int, train: int, val: int
) -> float:
    """Seconds of training and validation, from the measured time an image.

    Args:
        result: Holds `train_ms`, measured with this recipe on this machine.
        recipe: Holds `validate_every`.
        epochs: Epochs that will be trained.
        train: Training images, count.
        val: Validation images, count.
    """
    validations = math.ceil(epochs / recipe.validate_every)
    images = epochs * train + validations * val * FORWARD_SHARE
    return images * result.train_ms / 1000
