"""The weight matrix against theory, and against drawing images one by one."""

import numpy as np
import pytest

from vitforge.statistics import Dense, Draws, Grouped, percentile_interval
from vitforge.statistics.bootstrap import column_means


def test_a_mean_matches_theory() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    means = Draws(400, 4000, seed=1).means(Dense(values[:, None].astype(np.float32)))[:, 0]
    low, high = percentile_interval(means, 0.95)
    error = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - error, abs=0.03)
    assert high == pytest.approx(values.mean() + error, abs=0.03)


def test_every_image_is_drawn_as_often_as_chance_has_it() -> None:
    counts = Draws(50, 4000, seed=0).counts
    assert (counts.sum(axis=0, dtype=int) == 50).all()
    assert counts.mean(axis=1) == pytest.approx(1, abs=0.08)
    assert (counts == 0).mean() == pytest.approx((1 - 1 / 50) ** 50, abs=0.01)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sliced", [False, True])
def test_groups_are_one_hot_columns(weighted: bool, sliced: bool) -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(-1, 4, 60)
    weight = rng.random(60).astype(np.float32) if weighted else None
    among = rng.random(60) < 0.6 if sliced else None
    hot = (group[:, None] == np.arange(5)) * (1 if weight is None else weight[:, None])
    dense, grouped = Dense(hot.astype(np.float32)), Grouped(group, 5, weight)
    draws = Draws(60, 200, seed=4)
    np.testing.assert_allclose(
        draws.means(grouped, among), draws.means(dense, among), rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(column_means(grouped, among), column_means(dense, among), rtol=1e-6)
    kept = np.ones(60, bool) if among is None else among
    by_hand = np.repeat(hot[kept], draws.counts[kept, 7], axis=0).mean(axis=0)
    np.testing.assert_allclose(draws.means(grouped, among)[7], by_hand, rtol=1e-5)


def test_draws_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    column = Dense(np.random.default_rng(0).normal(size=(30, 1)).astype(np.float32))
    whole = Draws(30, 20, seed=0).means(column)
    monkeypatch.setattr("vitforge.statistics.bootstrap._BLOCK_ENTRIES", 70)
    np.testing.assert_allclose(Draws(30, 20, seed=0).means(column), whole, atol=1e-6)
