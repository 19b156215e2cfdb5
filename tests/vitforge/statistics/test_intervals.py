"""Intervals against published values, and by how often they hold the truth."""

import numpy as np
import pytest

from vitforge.statistics import mean_of_proportions_interval, proportion_interval


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
