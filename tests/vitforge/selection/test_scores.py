"""kNN, linear probe and LogME against other people's code and an independent derivation."""

import numpy as np
import pytest
import torch

from vitforge.errors import VitforgeError
from vitforge.selection.logme import logme
from vitforge.selection.neighbours import NEIGHBOURS, neighbours_correct
from vitforge.selection.probe import FOLDS, probe_correct, stratified_folds


def clouds(n: int, d: int, classes: int, apart: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    centres = rng.normal(size=(classes, d)) * apart
    points = centres[labels] + rng.normal(size=(n, d))
    return torch.from_numpy(points.astype(np.float32)), torch.from_numpy(labels)


def evidence_from_scratch(x: np.ndarray, y: np.ndarray) -> float:
    """log N(y; 0, I/β + XXᵀ/α) in N dimensions, maximised by a general optimiser."""
    from scipy.optimize import minimize
    from scipy.stats import multivariate_normal

    def loss(logs: np.ndarray) -> float:
        alpha, beta = np.exp(logs)
        covariance = np.eye(len(y)) / beta + x @ x.T / alpha
        return -multivariate_normal.logpdf(y, np.zeros(len(y)), covariance)

    starts = ([0.0, 0.0], [3.0, 1.0], [-2.0, 2.0])
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000}
    return -min(minimize(loss, s, method="Nelder-Mead", options=options).fun for s in starts)


@pytest.mark.parametrize(("n", "d", "classes"), [(30, 4, 3), (24, 40, 2)])
def test_logme_is_the_maximised_evidence(n: int, d: int, classes: int) -> None:
    x, y = clouds(n, d, classes, 0.8)
    expected = np.mean(
        [evidence_from_scratch(x.double().numpy(), (y.numpy() == k) * 1.0) / n for k in y.unique()]
    )
    assert logme(x, y) == pytest.approx(expected, abs=1e-6)


def test_logme_equals_the_published_algorithm() -> None:
    """The fixed point as printed in the paper (algorithm 3), in full matrices."""
    x, y = clouds(50, 6, 3, 1.0, seed=3)
    f, found = x.double().numpy(), []
    for k in range(3):
        t, alpha, beta = (y.numpy() == k) * 1.0, 1.0, 1.0
        values, vectors = np.linalg.eigh(f.T @ f)
        for _ in range(500):
            gamma = (beta * values / (alpha + beta * values)).sum()
            m = vectors @ np.diag(1 / (alpha + beta * values)) @ vectors.T @ (beta * f.T @ t)
            alpha, beta = gamma / (m @ m), (50 - gamma) / ((f @ m - t) ** 2).sum()
        a = alpha * np.eye(6) + beta * f.T @ f
        m = beta * np.linalg.solve(a, f.T @ t)
        found.append(
            (50 / 2 * np.log(beta) + 6 / 2 * np.log(alpha) - 50 / 2 * np.log(2 * np.pi)
             - beta / 2 * ((f @ m - t) ** 2).sum() - alpha / 2 * m @ m
             - np.linalg.slogdet(a)[1] / 2) / 50
        )  # fmt: skip
    assert logme(x, y) == pytest.approx(np.mean(found), abs=1e-6)


def test_logme_likes_what_tells_classes_apart() -> None:
    far, near = clouds(80, 8, 4, 3.0), clouds(80, 8, 4, 0.1)
    assert logme(*far) > logme(*near)


def test_neighbours_are_scikit_learns() -> None:
    from sklearn.model_selection import LeaveOneOut, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    x, y = clouds(90, 6, 4, 0.7)
    peer = KNeighborsClassifier(NEIGHBOURS, metric="cosine", algorithm="brute")
    named = cross_val_predict(peer, x.double().numpy(), y.numpy(), cv=LeaveOneOut())
    assert torch.equal(neighbours_correct(x.double(), y), torch.from_numpy(named) == y)


def test_an_image_does_not_vote_for_itself() -> None:
    x = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    assert neighbours_correct(x, torch.tensor([0, 0, 1])).tolist() == [True, True, False]


def test_the_probe_is_scikit_learns_pipeline() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = clouds(120, 10, 3, 0.5)
    folds = PredefinedSplit(stratified_folds(y.numpy(), seed=5))
    peer = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    named = cross_val_predict(peer, x.double().numpy(), y.numpy(), cv=folds)
    assert torch.equal(probe_correct(x, y, seed=5), torch.from_numpy(named) == y)


def test_labels_that_features_know_nothing_of_are_guessed() -> None:
    """A probe that saw the images it judges would be far above chance."""
    x, _ = clouds(200, 60, 2, 0.0)
    labels = torch.from_numpy(np.random.default_rng(9).integers(0, 2, 200))
    assert probe_correct(x, labels, seed=0).double().mean() < 0.62


def test_folds_deal_every_class_out_evenly() -> None:
    labels = np.array([0] * 23 + [1] * 12 + [2] * 5)
    folds = stratified_folds(labels, seed=1)
    for k in range(3):
        counts = np.bincount(folds[labels == k], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
    assert np.array_equal(folds, stratified_folds(labels, seed=1))


def test_one_class_is_refused() -> None:
    with pytest.raises(VitforgeError, match="one class only"):
        probe_correct(torch.randn(20, 3), torch.zeros(20, dtype=torch.int64), seed=0)
