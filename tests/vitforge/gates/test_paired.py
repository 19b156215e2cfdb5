"""Paired comparisons: published values, scipy, and false promotions by simulation."""

import numpy as np
import pytest
from scipy import optimize, stats

from vitforge.gates.paired import difference_interval, mcnemar_p


def test_mcnemar_reference_case() -> None:
    # [[50, 10], [3, 37]]
    assert mcnemar_p(10, 3) == pytest.approx(0.09229, abs=5e-6)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (0, 6), (7, 7), (30, 51)])
def test_mcnemar_against_scipy(gained: int, lost: int) -> None:
    exact = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar_p(gained, lost) == pytest.approx(exact)
    assert mcnemar_p(lost, gained) == mcnemar_p(gained, lost)


def score_by_likelihood(b: int, c: int, n: int, delta: float) -> float:
    """The score statistic with the nuisance cell found by maximising the likelihood."""

    def loss(q: float) -> float:
        rest = 1 - 2 * q - delta
        return -(
            stats.multinomial.logpmf([b, c, n - b - c], n, [q + delta, q, rest])
            if min(q, q + delta, rest) > 0
            else -np.inf
        )

    low, high = max(0.0, -delta), (1 - delta) / 2
    q = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded",
                                 options={"xatol": 1e-12}).x  # fmt: skip
    return (b - c - n * delta) / np.sqrt(n * (2 * q + delta * (1 - delta)))


@pytest.mark.parametrize(("b", "c", "n"), [(10, 3, 100), (3, 25, 400), (12, 12, 60)])
def test_interval_ends_where_the_restricted_score_is_196(b: int, c: int, n: int) -> None:
    low, high = difference_interval(b, c, n)
    assert low < (b - c) / n < high
    assert score_by_likelihood(b, c, n, low) == pytest.approx(1.95996, abs=1e-3)
    assert score_by_likelihood(b, c, n, high) == pytest.approx(-1.95996, abs=1e-3)


def test_no_change_still_leaves_doubt() -> None:
    z2 = 1.959964**2
    assert difference_interval(0, 0, 50) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)))


def test_swapping_the_models_mirrors_the_interval() -> None:
    low, high = difference_interval(14, 5, 200)
    assert difference_interval(5, 14, 200) == pytest.approx((-high, -low))


@pytest.mark.parametrize("n", [100, 360, 1000])
@pytest.mark.parametrize("changed", [0.04, 0.15])
def test_false_promotions_are_rare(n: int, changed: float) -> None:
    margin, rounds = 0.02, 20_000
    rng = np.random.default_rng(1)

    def challenge(difference: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chances = [(changed + difference) / 2, (changed - difference) / 2, 1 - changed]
        counts = rng.multinomial(n, chances, size=rounds)
        return counts[:, 0] - counts[:, 1], *difference_interval(counts[:, 0], counts[:, 1], n)

    _, low, _ = challenge(-margin)
    assert (low >= -margin).mean() <= 0.05  # worse by the margin, yet called not inferior
    _, low, _ = challenge(-2 * margin if changed > 0.05 else -margin * 1.9)
    assert (low >= -margin).mean() <= 0.01
    value, low, high = challenge(0.0)
    assert ((low > 0) & (value > 0)).mean() <= 0.05  # equal, yet called better
    assert (high < -margin).mean() <= 0.025  # equal, yet refused
    assert ((low <= 0) & (high >= 0)).mean() >= 0.94
