"""Metrics of a regression: mean absolute error, root mean squared error, R²."""

import numpy as np
from numpy.typing import NDArray

from vitforge.metrics.family import Family, Means
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Dense


def regression_families(found: Predictions) -> list[Family]:
    """`mae`, `rmse` and `r2`."""
    truth = found.labels.astype(np.float64)
    error = found.values - truth
    # Centred first: R² from raw moments would lose its digits where the mean is large.
    centred = truth - truth.mean()
    columns = np.stack([np.abs(error), error**2, centred, centred**2], axis=1)
    return [Family(("mae", "rmse", "r2"), (Dense(columns.astype(np.float32)),), _value)]


def _value(means: Means) -> list[NDArray[np.float64]]:
    """R² is 1 less the squared error's share of the variance; 0 where nothing varies."""
    squared, variance = means[..., 1], means[..., 3] - means[..., 2] ** 2
    explained = np.where(variance > 0, 1 - squared / np.where(variance > 0, variance, 1), 0.0)
    return [means[..., 0], np.sqrt(squared), explained]
