"""Groups against fairlearn, gaps by closed form, and unfairness that was planted."""

from collections.abc import Callable

import numpy as np
import pytest

from vitforge.errors import ConfigError
from vitforge.evaluation.evaluator import Context
from vitforge.evaluation.fairness import rows
from vitforge.metrics.groups import groups
from vitforge.metrics.predictions import Predictions


def answers(
    labels: np.ndarray, predicted: np.ndarray, slices: dict[str, np.ndarray], classes: int = 2
) -> Predictions:
    logits = 3 * np.eye(classes, dtype=np.float32)[predicted]
    ids = tuple(str(i) for i in range(len(labels)))
    return Predictions.of(ids, labels, logits, slices=slices)


def two_sites(n: int, accuracies: tuple[float, float]) -> Predictions:
    """Exactly these accuracies in n images of each of two sites."""
    right = np.concatenate([np.arange(n) < round(share * n) for share in accuracies])
    labels = np.arange(2 * n) % 2
    site = np.repeat(np.array(["a", "b"]), n)
    return answers(labels, np.where(right, labels, 1 - labels), {"site": site})


def test_groups_and_their_crossings() -> None:
    slices = {"site": np.array(["a", "b", "b", ""]), "sex": np.array(["f", "f", "m", "m"])}
    told = {group.name: group.among.tolist() for group in groups(slices)}
    assert told == {
        "site=a": [True, False, False, False],
        "site=b": [False, True, True, False],
        "sex=f": [True, True, False, False],
        "sex=m": [False, False, True, True],
        "site=a & sex=f": [True, False, False, False],
        "site=b & sex=f": [False, True, False, False],
        "site=b & sex=m": [False, False, True, False],
    }


def test_against_fairlearn(make_context: Callable[..., Context]) -> None:
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 4, 300)
    logits = rng.normal(0, 1.5, (300, 4))
    logits[np.arange(300), labels] += 1.5
    predicted = np.round(logits, 3).argmax(axis=1)
    group = rng.integers(0, 3, 300).astype(str)
    found = answers((labels > 1).astype(int), (predicted > 1).astype(int), {"g": group})
    told = {(row.name, row.slice): row.value for row in rows(make_context(found))}
    # fairlearn 0.13: MetricFrame(...).by_group and .difference() of the same arrays.
    expected = {
        "true_positive_rate": (0.75, 0.7, 0.6721311475409836, 0.07786885245901642),
        "false_positive_rate": (
            0.39622641509433965,
            0.25,
            0.21739130434782608,
            0.17883511074651356,
        ),
    }
    for name, (*by_group, gap) in expected.items():
        for value, which in zip(by_group, "012", strict=True):
            assert told[name, f"g={which}"] == pytest.approx(value)
        assert told[f"{name}_gap", "g"] == pytest.approx(gap)


@pytest.mark.parametrize(("n", "half"), [(100, 8.3), (250, 5.3), (500, 3.7), (1000, 2.6)])
def test_the_width_of_a_gap_at_ninety_percent(
    make_context: Callable[..., Context], n: int, half: float
) -> None:
    told = rows(make_context(two_sites(n, (0.9, 0.9)), bootstrap=100))
    (row,) = (row for row in told if row.name == "accuracy_gap")
    assert 100 * row.high == pytest.approx(half, rel=0.06)
    (alarm,) = (row for row in told if row.name == "fairness_gap")
    assert ("INCONCLUSIVE" in row.note) == (n <= 250)
    assert (alarm.high > 0.05) or n >= 500


def test_the_interval_is_newcombes(make_context: Callable[..., Context]) -> None:
    site = np.repeat(np.array(["a", "b"]), (70, 80))
    right = np.concatenate([np.arange(70) < 56, np.arange(80) < 48])
    labels = np.zeros(150, int)
    found = answers(labels, np.where(right, 0, 1), {"site": site}, classes=3)
    (row,) = (row for row in rows(make_context(found)) if row.name == "accuracy_gap")
    # statsmodels 0.14: confint_proportions_2indep(56, 70, 48, 80, method="newcomb")
    assert (row.low, row.high) == pytest.approx((0.0524315, 0.3338727), abs=1e-6)
    assert row.value == pytest.approx(0.2)


def test_planted_unfairness_is_alarming_and_fairness_is_not(
    make_context: Callable[..., Context],
) -> None:
    def alarm(accuracies: tuple[float, float], n: int = 1000):
        told = rows(make_context(two_sites(n, accuracies), bootstrap=100))
        return next(row for row in told if row.name == "fairness_gap")

    unfair = alarm((0.95, 0.80))
    assert "ALARM: more than 5 points" in unfair.note
    assert unfair.low > 0.05
    fair = alarm((0.9, 0.9), 3000)
    assert "within 5 points" in fair.note and fair.high <= 0.05
    small = alarm((0.9, 0.8), 100)
    assert "INCONCLUSIVE: about" in small.note and small.low < 0.05 < small.high
    tiny = alarm((0.9, 0.5), 20)
    assert tiny.n == 0 and "fewer than two groups" in tiny.note


def test_equal_groups_seldom_alarm(make_context: Callable[..., Context]) -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(60):
        labels = np.zeros(1200, int)
        site = rng.choice(np.array(["a", "b", "c", "d"]), 1200)
        found = answers(labels, (rng.random(1200) > 0.8).astype(int), {"site": site}, classes=3)
        told = rows(make_context(found, bootstrap=1, gap_alarm=0.001))
        alarms += any(row.name == "fairness_gap" and row.low > 0 for row in told)
    assert alarms <= 5


def test_underdiagnosis_is_the_ill_called_healthy(make_context: Callable[..., Context]) -> None:
    labels, predicted = np.array([0, 1, 1, 2, 2, 1]), np.array([0, 0, 1, 2, 0, 1])
    sex = np.array(["f", "f", "f", "m", "m", "m"])
    found = answers(labels, predicted, {"sex": sex}, classes=3)
    told = {(row.name, row.slice): row for row in rows(make_context(found, healthy_label="c0"))}
    assert told["underdiagnosis", "sex=f"].value == 0.5
    assert told["underdiagnosis", "sex=m"].value == pytest.approx(1 / 3)
    assert told["underdiagnosis", "sex=m"].n == 3
    with pytest.raises(ConfigError, match="no class is named well"):
        rows(make_context(found, healthy_label="well"))


def test_labels_of_groups(make_context: Callable[..., Context]) -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    truth = (rng.random((400, 2)) < 0.3).astype(np.float32)
    logits = (rng.normal(-1, 1, (400, 2)) + 1.5 * truth).astype(np.float32)
    site = np.repeat(np.array(["a", "b"]), 200)
    ids = tuple(str(i) for i in range(400))
    found = Predictions.of(ids, truth, logits, "multi_label", slices={"site": site})
    told = {(row.name, row.slice): row for row in rows(make_context(found))}
    expected = roc_auc_score(truth[:200], logits[:200])
    assert told["auroc", "site=a"].value == pytest.approx(expected)
    ill = truth[:200].any(axis=1)
    missed = (logits[:200] < 0).all(axis=1)
    assert told["underdiagnosis", "site=a"].value == pytest.approx(missed[ill].mean())


def test_without_slices_there_is_nothing_to_say(
    make_predictions: Callable[..., Predictions], make_context: Callable[..., Context]
) -> None:
    assert rows(make_context(make_predictions(50, 3))) == []
