"""McNemar against published and hand-computed cases."""

import pytest
import torch

from vitforge.selection.compare import mcnemar, ties_of_best


def answers(only_first: int, only_second: int, both: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    first = [True] * only_first + [False] * only_second + [True] * both
    second = [False] * only_first + [True] * only_second + [True] * both
    return torch.tensor(first), torch.tensor(second)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [(0, 0, 1.0), (5, 0, 2 / 32), (6, 0, 2 / 64), (8, 2, 2 * 56 / 1024), (3, 3, 1.0)],
)
def test_exact_p_by_hand(only_first: int, only_second: int, p: float) -> None:
    assert mcnemar(*answers(only_first, only_second)) == pytest.approx(p)


def test_scipy_agrees() -> None:
    from scipy.stats import binomtest

    for a, b in [(12, 5), (30, 18), (1, 9)]:
        assert mcnemar(*answers(a, b)) == pytest.approx(binomtest(a, a + b, 0.5).pvalue)


def test_ties() -> None:
    best, close = answers(5, 0)
    worse = best.clone()
    worse[:8] = False
    name, tied = ties_of_best({"close": close, "best": best, "worse": worse})
    assert name == "best" and set(tied) == {"best", "close"}
