"""Calibration by class, risk and coverage, temperature, label noise: by hand and oracle."""

from collections.abc import Callable

import numpy as np
import pytest

from vitforge.metrics.class_metrics import classwise_gaps, expected_calibration_error
from vitforge.metrics.label_noise import label_errors
from vitforge.metrics.predictions import Predictions
from vitforge.metrics.selective import aurc, risk_coverage
from vitforge.metrics.temperature import fit_label_temperature, fit_temperature
from vitforge.metrics.weak_slices import weak_slices
from vitforge.statistics import column_means


def test_classwise_is_each_class_against_the_rest(
    make_predictions: Callable[..., Predictions],
) -> None:
    found = make_predictions(300, 4)
    gaps = classwise_gaps(found.probabilities, found.labels, 15)
    ours = sum(float(np.abs(column_means(columns)).sum()) for columns in gaps)
    one_by_one = [
        expected_calibration_error(found.probabilities[:, k], found.labels == k, 15)
        for k in range(4)
    ]
    assert ours == pytest.approx(np.mean(one_by_one), rel=1e-5)


def test_risk_and_coverage_by_hand() -> None:
    confidence = np.array([0.9, 0.6, 0.8, 0.7])
    correct = np.array([True, False, False, True])
    curve = risk_coverage(confidence, correct)
    np.testing.assert_allclose(curve.coverage, [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(curve.risk, [0, 1 / 2, 1 / 3, 2 / 4])
    np.testing.assert_allclose(curve.threshold, [0.9, 0.8, 0.7, 0.6])
    assert aurc(confidence, correct) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def planted(n: int = 300, classes: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(0, 1.5, (n, classes))
    logits[np.arange(n), labels] += 1.5
    logits = np.round(logits, 3)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, logits, shares


def test_temperature_against_scipy_and_scikit_learn() -> None:
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    labels, logits, _ = planted()

    def loss(t: float) -> float:
        return (logsumexp(logits / t, axis=1) - logits[np.arange(300), labels] / t).mean()

    best = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9})
    ours = fit_temperature(logits.astype(np.float32), labels)
    assert ours == pytest.approx(best.x, abs=1e-6)
    # scikit-learn 1.9: 1 / _TemperatureScaling().fit(logits, labels).beta_
    assert ours == pytest.approx(1.5152226, abs=1e-6)


@pytest.mark.parametrize("truth", [0.4, 1.0, 3.0])
def test_a_planted_temperature_is_found(truth: float) -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (20_000, 3))
    shares = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    labels = (rng.random((20_000, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature((truth * honest).astype(np.float32), labels) == pytest.approx(
        truth, rel=0.04
    )
    pair = (rng.random(20_000) < 1 / (1 + np.exp(-honest[:, 0]))).astype(np.float32)
    pair[:50] = np.nan
    found = fit_label_temperature((truth * honest[:, 0]).astype(np.float32), pair)
    assert found == pytest.approx(truth, rel=0.05)


def test_a_temperature_is_never_absurd() -> None:
    logits = 5 * np.eye(3, dtype=np.float32)
    assert fit_temperature(logits, np.arange(3)) == 1.0
    assert fit_temperature(logits, np.array([1, 2, 0])) == pytest.approx(100, rel=0.3)
    assert fit_label_temperature(np.ones(3, np.float32), np.ones(3, np.float32)) == 1.0


def test_label_noise_against_cleanlab() -> None:
    labels, _, shares = planted()
    swapped = labels.copy()
    swapped[:20] = (swapped[:20] + 1) % 4
    found = label_errors(shares, swapped)
    # cleanlab 2.9: find_label_issues(swapped, shares, filter_by="confident_learning")
    assert len(found) == 106
    assert np.sort(found)[:12].tolist() == [1, 2, 3, 4, 6, 7, 9, 11, 12, 13, 14, 15]
    assert (found < 20).sum() == 15


def test_a_weak_region_is_found_and_chance_is_not() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (1200, 6)).astype(np.float16)
    features[:, 2] *= 3
    weak = features[:, 2] > 3
    found = weak_slices(features, rng.random(1200) < np.where(weak, 0.6, 0.05), seed=0)
    assert found
    assert weak[found[0].members].mean() > 0.8
    assert found[0].wrong / len(found[0].members) > 0.4
    evenly = weak_slices(features, rng.random(1200) < 0.15, seed=0)
    assert all(s.wrong / len(s.members) < 0.35 for s in evenly)
    assert weak_slices(features[:100], np.ones(100, bool), seed=0) == []
