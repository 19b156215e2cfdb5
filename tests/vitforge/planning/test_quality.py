"""One prediction and one layer of attention, by hand."""

import math

import numpy as np
import pytest

from vitforge.errors import ConfigError
from vitforge.planning.attention import analyse_attention, simulate_attention
from vitforge.planning.metrics import prediction_quality


def test_five_probabilities_by_hand() -> None:
    made = prediction_quality([0.5, 0.25, 0.125, 0.125, 0.0], 0)
    assert made.top1
    assert made.top5
    assert made.confidence == 0.5
    # 1/2 ln 2 + 1/4 ln 4 + 2 · 1/8 ln 8 = 1.75 ln 2
    assert made.entropy == pytest.approx(1.75 * math.log(2))
    assert made.normalised_entropy == pytest.approx(1.75 * math.log(2) / math.log(5))
    assert made.calibration_error == pytest.approx(0.5)
    assert made.confidence_level == "reliable"


def test_order_does_not_matter_and_wrong_is_wrong() -> None:
    made = prediction_quality([0.05, 0.05, 0.8, 0.05, 0.05], 0, threshold=0.9)
    assert not made.top1
    assert made.top5
    assert made.calibration_error == pytest.approx(0.8)
    assert made.confidence_level == "uncertain"


def test_top5_among_more_classes() -> None:
    shares = [0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05]
    assert prediction_quality(shares, 4).top5
    assert not prediction_quality(shares, 5).top5


def test_ends_of_entropy() -> None:
    assert prediction_quality([1, 0, 0, 0, 0], 0).entropy == 0
    assert prediction_quality([0.2] * 5, 0).normalised_entropy == pytest.approx(1)


def test_rounded_sums_are_taken_and_scaled() -> None:
    made = prediction_quality([0.33, 0.33, 0.33], 0)
    assert made.confidence == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("arguments", "cause", "mend"),
    [
        (([0.5, math.nan, 0.2, 0.2, 0.1], 0), "probability 1 is nan", "between 0 and 1"),
        (([0.5, -0.1, 0.6], 0), "probability 1 is -0.1", "between 0 and 1"),
        (([0.5, 0.5, 0.5, 0.25, 0.25], 0), "sum to 2", "type 0.25 0.25 0.25 0.125 0.125"),
        (([0.0] * 5, 0), "sum to 0", "type 0.6"),
        (([0.2] * 5, 5), "no position 5", "from 0 to 4"),
        (([0.2] * 5, 0, 1.0), "threshold of 1", "type 0.5"),
        (([1.0], 0), "no choice", "type 0.6"),
    ],
)
def test_refused(arguments, cause: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        prediction_quality(*arguments)
    assert cause in caught.value.cause
    assert mend in caught.value.mend


def test_attention_by_hand() -> None:
    """Two heads that look at one token each, never the same: cos = 0 between, 1 with itself."""
    maps = np.zeros((2, 1, 4))
    maps[0, 0, 0] = maps[1, 0, 1] = 1
    made = analyse_attention(maps)
    assert made.entropy == 0
    assert made.diversity == pytest.approx(0.5)  # 1 - 2/4
    assert made.normalised_diversity == pytest.approx(1)


def test_uniform_attention_has_the_highest_entropy_and_no_diversity() -> None:
    made = analyse_attention(np.full((3, 5, 8), 1 / 8))
    assert made.entropy == pytest.approx(math.log(8))
    assert made.normalised_entropy == pytest.approx(1)
    assert made.diversity == pytest.approx(0, abs=1e-12)
    assert made.verdict == "uniform"


def test_bands_follow_the_number_of_tokens() -> None:
    """3.8 nats can never be reached with 17 tokens; the bands shrink with ln N."""
    for tokens in (17, 65, 197, 577):
        assert analyse_attention(np.full((4, 3, tokens), 1 / tokens)).verdict == "uniform"
        made = analyse_attention(simulate_attention("collapsed", 4, tokens))
        assert made.verdict == "collapse"
    assert analyse_attention(simulate_attention("diverse")).good_entropy == pytest.approx(
        (2.5, 3.5)
    )


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        ("diverse", "good"),
        ("collapsed", "collapse"),
        ("uniform", "uniform"),
        ("focused", "unclear"),
    ],
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_simulated_behaviours_are_recognised(behaviour, verdict: str, seed: int) -> None:
    maps = simulate_attention(behaviour, seed=seed)
    assert maps.shape == (12, 197, 197)
    np.testing.assert_allclose(maps.sum(-1), 1)
    assert analyse_attention(maps).verdict == verdict


def test_alike_heads_that_are_not_sharp_are_a_collapse_too() -> None:
    one = simulate_attention("diverse", heads=1, tokens=197)
    assert analyse_attention(np.repeat(one, 6, axis=0)).verdict == "collapse"


@pytest.mark.parametrize(
    "maps",
    [
        np.ones((2, 3)),
        np.ones((2, 3, 1)),
        np.full((1, 2, 4), 0.5),
        np.full((1, 2, 4), np.nan),
        np.array([[[1.5, -0.5]]]),
    ],
)
def test_what_is_no_attention(maps) -> None:
    with pytest.raises(ConfigError, match="softmax"):
        analyse_attention(maps)


def test_simulations_that_cannot_be() -> None:
    with pytest.raises(ConfigError):
        simulate_attention("diverse", heads=0)
    with pytest.raises(ConfigError, match="collapsed"):
        simulate_attention("lazy")
