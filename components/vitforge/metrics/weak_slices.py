"""Regions of feature space where the model errs more, found on one half and proved on the other.

Shapes: N images, D features.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MIN_IMAGES, MIN_MISTAKES = 200, 10
_LEAF, _DEPTH, _COMPONENTS = 0.03, 4, 8


class WeakSlice(NamedTuple):
    """One leaf of the tree."""

    members: NDArray[np.int64]
    """Its images of the half that the tree has not seen."""
    wrong: int
    """How many of them are wrong."""
    description: str
    """Where in feature space it lies."""


def weak_slices(
    features_ND: NDArray[np.float16], wrong_N: NDArray[np.bool_], seed: int
) -> list[WeakSlice]:
    """Leaves of a decision tree that tells mistakes from features, the weakest first.

    Half of the images grow the tree, on the principal components of their features; the other half
    is dropped through it. What is told of a leaf is counted on that half alone, so that a leaf that
    was found by chance looks no worse than the rest.

    Returns:
        Leaves whose error on the unseen half is above the whole half's; empty where fewer than
        200 images or 10 mistakes leave nothing to learn from.
    """
    if len(wrong_N) < MIN_IMAGES or wrong_N.sum() < MIN_MISTAKES:
        return []
    from sklearn.decomposition import PCA
    from sklearn.tree import DecisionTreeClassifier

    shuffled = np.random.default_rng(seed).permutation(len(wrong_N))
    grow, prove = np.array_split(shuffled, 2)
    features = features_ND.astype(np.float32)
    components = min(_COMPONENTS, features.shape[1], len(grow))
    pca = PCA(components, svd_solver="randomized", random_state=seed).fit(features[grow])
    reduced = pca.transform(features)
    tree = DecisionTreeClassifier(
        max_depth=_DEPTH, min_samples_leaf=max(10, int(_LEAF * len(grow))), random_state=seed
    ).fit(reduced[grow], wrong_N[grow])
    leaf = tree.apply(reduced[prove])
    found = []
    for node in np.unique(leaf):
        members = prove[leaf == node]
        wrong = int(wrong_N[members].sum())
        if wrong / len(members) > wrong_N[prove].mean():
            found.append(WeakSlice(np.sort(members), wrong, f"leaf {node}"))
    return sorted(found, key=lambda s: -s.wrong / len(s.members))
