"""Metrics of ordered classes: how far off, and agreement that counts distance."""

import numpy as np
from numpy.typing import NDArray

from vitforge.metrics.family import Family, Means
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Dense


def ordinal_families(found: Predictions) -> list[Family]:
    """`class_mae`, in classes, and `qwk`, the quadratic-weighted kappa.

    With quadratic weights the disagreement expected by chance needs only means and variances:
    E (a - b)² of independent a and b.

    Source: Cohen 1968, https://doi.org/10.1037/h0026256
    """
    y, p = found.labels.astype(np.float32), found.predicted.astype(np.float32)
    columns = np.stack([np.abs(y - p), (y - p) ** 2, y, p, y**2, p**2], axis=1)
    return [Family(("class_mae", "qwk"), (Dense(columns),), _value)]


def _value(means: Means) -> list[NDArray[np.float64]]:
    off, squared, y, p, yy, pp = np.moveaxis(means, -1, 0)
    chance = yy + pp - 2 * y * p
    kappa = np.where(chance > 0, 1 - squared / np.where(chance > 0, chance, 1), 0.0)
    return [off, kappa]
