"""Calibration against torchmetrics, hand-made cases and simulation."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from vitforge.evaluation.calibration import (
    calibration_rows,
    chance_ece,
    ece_interval,
    reliability_bins,
)
from vitforge.metrics.class_metrics import expected_calibration_error
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws

CONFIDENCE = np.array([0.6, 0.8, 1.0, 0.5])
CORRECT = np.array([True, False, True, False])


def test_bins_are_closed_on_the_right_as_guo_has_them() -> None:
    from torchmetrics.functional.classification import binary_calibration_error

    ours = expected_calibration_error(CONFIDENCE, CORRECT, bins=5)
    theirs = float(
        binary_calibration_error(
            torch.tensor(CONFIDENCE, dtype=torch.float64), torch.tensor(CORRECT).int(), n_bins=5
        )
    )
    # (0.4, 0.6]: .6 right and .5 wrong, gap |1.1 - 1|; (0.6, 0.8]: .8 wrong; (0.8, 1]: 1.0 right.
    assert ours == pytest.approx((0.1 + 0.8 + 0.0) / 4) == pytest.approx(0.225)
    assert theirs == pytest.approx(0.425)


def test_against_torchmetrics_where_no_confidence_lies_on_an_edge(
    make_predictions: Callable[..., Predictions],
) -> None:
    from torchmetrics.functional.classification import multiclass_calibration_error

    found = make_predictions(800, 6)
    ours = expected_calibration_error(found.confidence, found.correct, 15)
    theirs = multiclass_calibration_error(
        torch.from_numpy(found.logits).double(), torch.from_numpy(found.labels), 6, n_bins=15
    )
    assert ours == pytest.approx(float(theirs), abs=1e-6)


def test_likelihood_and_brier_against_torch_and_scikit_learn(
    make_predictions: Callable[..., Predictions],
) -> None:
    from sklearn.metrics import brier_score_loss

    found = make_predictions(300, 5)
    logits, labels = torch.from_numpy(found.logits), torch.from_numpy(found.labels)
    nll = torch.nn.functional.cross_entropy(logits.double(), labels)
    assert found.nll.mean() == pytest.approx(float(nll))
    probabilities = logits.double().softmax(1)
    brier = brier_score_loss(found.labels, probabilities.numpy(), labels=range(5))
    assert found.brier.mean() == pytest.approx(brier)
    entropy = torch.distributions.Categorical(probs=probabilities).entropy()
    np.testing.assert_allclose(found.entropy, entropy.numpy(), atol=1e-9)


@pytest.mark.parametrize(
    ("n", "expected"), [(200, 0.082), (500, 0.051), (1000, 0.037), (5000, 0.016), (50000, 0.005)]
)
def test_a_perfectly_calibrated_model_is_not_at_zero(n: int, expected: float) -> None:
    logits = np.random.default_rng(0).normal(0, 5, (n, 100))
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = (probabilities / probabilities.sum(axis=1, keepdims=True)).max(axis=1)
    null = chance_ece(confidence, bins=15, resamples=100, seed=0)
    assert null.mean() == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("offset", [0.0, 0.05, 0.15])
def test_the_interval_holds_the_true_error(offset: float) -> None:
    below = above = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        confidence = 0.3 + 0.7 * rng.beta(4, 1.2, 300)
        correct = rng.random(300) < confidence - offset
        low, high = ece_interval(
            confidence, correct, bins=15, level=0.95, draws=Draws(300, 100, seed)
        )
        below += high < offset
        above += low > offset
    assert below <= 7
    assert above <= 9


def test_a_miscalibrated_model_is_seen_and_a_calibrated_one_is_not() -> None:
    rng = np.random.default_rng(3)
    confidence = 0.3 + 0.7 * rng.beta(4, 1.2, 2000)
    null = chance_ece(confidence, bins=15, resamples=300, seed=0)
    honest = rng.random(2000) < confidence
    boastful = rng.random(2000) < confidence - 0.1
    assert expected_calibration_error(confidence, honest) < np.quantile(null, 0.99)
    assert expected_calibration_error(confidence, boastful) > 2 * np.quantile(null, 0.99)


def test_rows_and_reliability_agree(make_predictions: Callable[..., Predictions]) -> None:
    found = make_predictions(400, 6)
    rows = calibration_rows(found, bins=15, level=0.95, draws=Draws(400, 200, 0))
    named = {row.name: row for row in rows}
    assert list(named) == ["ece", "ece_null", "ece_classwise", "nll", "brier"]
    bins = reliability_bins(found.confidence, found.correct, 15)
    assert sum(b.n for b in bins) == 400
    gap = sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / 400
    assert named["ece"].value == pytest.approx(gap)
    for row in rows:
        assert row.low <= row.value <= row.high


def test_without_resamples_rows_say_so(make_predictions: Callable[..., Predictions]) -> None:
    rows = calibration_rows(make_predictions(20, 3), bins=15, level=0.95, draws=Draws(20, 0, 0))
    assert [row.name for row in rows] == ["ece", "nll", "brier"]
    assert all(row.low is None and "bootstrap is 0" in row.note for row in rows)
