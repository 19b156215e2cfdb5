"""How long the training will take: from the measured step, and from how far off past runs were."""

import math
import os

import torch

from vitforge.artifacts import CandidateResult
from vitforge.config import FinetuningConfig
from vitforge.planning.correction import NOTHING_LEARNT, Correction, learn_from_known
from vitforge.tracking.client import TRACKING_VARIABLE
from vitforge.tracking.past_runs import read_past_runs

FORWARD_SHARE = 1 / 3
"""A forward pass is about a third of a training step; validation only goes forward."""

ENOUGH = 3
"""Past runs from which their median is believed."""


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


def learnt_correction(device: torch.device) -> Correction:
    """From the past trainings on such a device that the tracking server knows, `ENOUGH` or more."""
    name = device_name(device)
    runs = [
        one for one in read_past_runs(os.environ.get(TRACKING_VARIABLE, "")) if one.device == name
    ]
    learnt = learn_from_known([(one.seconds_predicted, one.seconds_measured) for one in runs])
    return learnt if learnt.runs >= ENOUGH else NOTHING_LEARNT


def device_name(device: torch.device) -> str:
    """`cpu`, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
