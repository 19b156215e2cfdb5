"""A linear classifier on frozen features, cross-validated: how far the features carry."""

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitforge.errors import VitforgeError

FOLDS = 5
PENALTY = 1.0
"""Inverse strength of the L2 penalty on standardised features, scikit-learn's C."""
ITERATIONS = 300


def probe_correct(features_ND: Tensor, labels_N: Tensor, seed: int) -> Tensor:
    """Which images a logistic regression names rightly that was fitted without their fold.

    Args:
        features_ND: Frozen features, float; every image is judged once.
        labels_N: Class indices, int64.
        seed: Of the folds; the same for all backbones that are compared.

    Returns:
        bool, shape (N,).

    Raises:
        VitforgeError: if all images that a fold would be fitted on are of one class.

    Source: Alain and Bengio 2016, https://arxiv.org/abs/1610.01644
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # float32 halves the work, and names the same classes.
    x_ND, y_N = features_ND.float().numpy(), labels_N.numpy()
    fold_N = stratified_folds(y_N, seed)
    right_N = np.zeros(len(y_N), dtype=bool)
    for fold in range(FOLDS):
        judged = fold_N == fold
        fit, labels = x_ND[~judged], y_N[~judged]
        if len(np.unique(labels)) < 2:
            raise VitforgeError(
                "the sample holds images of one class only",
                where="selection.sample_images",
                mend="raise it, or name one with the key backbone",
            )
        mean, spread = fit.mean(0), fit.std(0)
        spread[spread == 0] = 1.0
        model: Any = LogisticRegression(C=PENALTY, max_iter=ITERATIONS)
        # Its products are so small that a second thread only waits in barriers.
        with warnings.catch_warnings(), threadpool_limits(1):
            # A fit that is nearly done ranks as well as one that is.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit((fit - mean) / spread, labels)
        if judged.any():
            right_N[judged] = model.predict((x_ND[judged] - mean) / spread) == y_N[judged]
    return torch.from_numpy(right_N)


def stratified_folds(labels_N: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """A fold for every image: each class is dealt out evenly, in random order.

    Returns:
        Fold numbers in [0, FOLDS); a class's counts in two folds differ by at most one.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels_N))
    dealt = shuffled[np.argsort(labels_N[shuffled], kind="stable")]
    folds = np.empty(len(labels_N), dtype=np.int64)
    folds[dealt] = np.arange(len(labels_N)) % FOLDS
    return folds
