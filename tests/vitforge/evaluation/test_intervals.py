"""Intervals against published values, and by how often they hold the truth."""

import numpy as np
import pytest

from vitforge.evaluation.intervals import (
    mean_of_proportions_interval,
    percentile_interval,
    proportion_interval,
    resampled_counts,
    resampled_means,
)


def test_wilson_reference_case() -> None:
    assert proportion_interval(80, 100, 0.95) == pytest.approx((0.71117, 0.86663), abs=5e-6)


def test_no_trials_means_nothing_is_known() -> None:
    assert proportion_interval(0, 0, 0.95) == (0.0, 1.0)


def test_mean_of_one_proportion_is_wilson() -> None:
    one = mean_of_proportions_interval(np.array([80]), np.array([100]), 0.95)
    assert one == pytest.approx((0.71117, 0.86663), abs=5e-6)


def test_mean_of_proportions_keeps_a_width_without_mistakes() -> None:
    low, high = mean_of_proportions_interval(np.array([20, 20]), np.array([20, 20]), 0.95)
    assert high == 1.0
    assert 0.85 < low < 0.95


def test_mean_of_proportions_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    n, p = np.array([20, 40, 80, 30]), np.array([0.7, 0.9, 0.95, 0.8])
    held = [
        low <= p.mean() <= high
        for low, high in (
            mean_of_proportions_interval(rng.binomial(n, p), n, 0.95) for _ in range(2000)
        )
    ]
    assert 0.94 <= np.mean(held) <= 0.98


def test_bootstrap_of_a_mean_matches_theory() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    means = resampled_means(values[:, None], 4000, seed=1)[:, 0]
    low, high = percentile_interval(means, 0.95)
    error = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - error, abs=0.03)
    assert high == pytest.approx(values.mean() + error, abs=0.03)


def test_counts_and_means_see_the_same_draws() -> None:
    labels = np.random.default_rng(0).integers(0, 3, 50)
    counts = resampled_counts(labels, 3, 200, seed=4)
    means = resampled_means(np.eye(3)[labels], 200, seed=4)
    assert (counts.sum(axis=1) == 50).all()
    np.testing.assert_allclose(counts / 50, means, atol=1e-6)


def test_draws_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    column = np.random.default_rng(0).normal(size=(30, 1))
    whole = resampled_means(column, 20, seed=0)
    monkeypatch.setattr("vitforge.evaluation.intervals._BLOCK_ENTRIES", 70)
    np.testing.assert_allclose(resampled_means(column, 20, seed=0), whole, atol=1e-6)
