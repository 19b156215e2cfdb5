"""From which probability on a label is called, chosen on the validation images."""

from typing import NamedTuple

import numpy as np

from vitforge.metrics.predictions import Predictions


class Threshold(NamedTuple):
    """Of one label."""

    value: float
    """Probability from which on the label is called, (0, 1]."""
    n: int
    """Validation images without the label that it was chosen on; 0 leaves 0.5."""


def choose_thresholds(validation: Predictions, specificity: float) -> list[Threshold]:
    """The smallest threshold of each label that calls at most 1 - `specificity` falsely.

    Args:
        validation: Multi-label predictions that the test images are no part of.
        specificity: Share of images without the label that must stay uncalled, (0, 1).
    """
    chosen = []
    for k in range(validation.classes):
        truth = validation.labels[:, k]
        negatives = np.sort(validation.probabilities[~np.isnan(truth) & (truth < 0.5), k])
        if not len(negatives):
            chosen.append(Threshold(0.5, 0))
            continue
        # Rounding must not cost an image: 0.95 of 20 is 19, not 18.999.
        kept = int(np.ceil(specificity * len(negatives) - 1e-9))
        value = float(np.nextafter(negatives[min(kept, len(negatives)) - 1], 1))
        chosen.append(Threshold(value, len(negatives)))
    return chosen
