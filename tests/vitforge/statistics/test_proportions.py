import pytest

from vitforge.statistics import wilson


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    [
        # Newcombe 1998, https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>
        # 3.0.CO;2-E, table I, method 3.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_published_intervals(successes, n, expected):
    assert wilson(successes, n) == pytest.approx(expected, abs=5e-5)


def test_all_right_is_not_certain():
    low, high = wilson(20, 20)
    assert low == pytest.approx(1 - 0.1611, abs=5e-5)
    assert high == 1.0


def test_agrees_with_scipy():
    scipy_stats = pytest.importorskip("scipy.stats")
    for level in (0.8, 0.95, 0.99):
        expected = scipy_stats.binomtest(350, 360).proportion_ci(level, method="wilson")
        assert wilson(350, 360, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("arguments", [(1, 0), (5, 4), (-1, 4), (1, 4, 1.0)])
def test_nonsense_is_refused(arguments):
    with pytest.raises(ValueError, match="no interval"):
        wilson(*arguments)
