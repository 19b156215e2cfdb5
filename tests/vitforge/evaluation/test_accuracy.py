"""Accuracies against scikit-learn and torchmetrics, and where they cannot be had."""

from collections.abc import Callable

import numpy as np
import pytest

from vitforge.evaluation.accuracy import accuracy_rows, agreement_rows, class_rows, confusion_matrix
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws


def rows_of(found: Predictions, resamples: int = 200):
    rows = accuracy_rows(found, 0.95) + agreement_rows(found, 0.95, Draws(found.n, resamples, 0))
    return {row.name: row for row in rows}


def test_against_scikit_learn(make_predictions: Callable[..., Predictions]) -> None:
    from sklearn import metrics as oracle

    found = make_predictions(500, 7)
    rows = rows_of(found)
    y, p = found.labels, found.predicted
    assert rows["top1"].value == pytest.approx(oracle.accuracy_score(y, p))
    top5 = oracle.top_k_accuracy_score(y, found.logits, k=5)
    assert rows["top5"].value == pytest.approx(top5)
    assert rows["balanced_accuracy"].value == pytest.approx(oracle.balanced_accuracy_score(y, p))
    assert rows["macro_f1"].value == pytest.approx(oracle.f1_score(y, p, average="macro"))
    assert rows["mcc"].value == pytest.approx(oracle.matthews_corrcoef(y, p))
    np.testing.assert_array_equal(confusion_matrix(y, p, 7), oracle.confusion_matrix(y, p))
    for row in rows.values():
        assert row.low is not None and row.high is not None
        assert row.low < row.value < row.high


def test_classes_against_scikit_learn(make_predictions: Callable[..., Predictions]) -> None:
    from sklearn.metrics import precision_recall_fscore_support

    found = make_predictions(300, 4, seed=1)
    names = ("a", "b", "c", "d")
    rows = class_rows(confusion_matrix(found.labels, found.predicted, 4), names, 0.95)
    value = {(row.name, row.slice): row for row in rows}
    precision, recall, f1, _ = precision_recall_fscore_support(found.labels, found.predicted)
    for index, name in enumerate(names):
        assert value["accuracy", name].value == pytest.approx(recall[index])
        assert value["precision", name].value == pytest.approx(precision[index])
        assert value["f1", name].value == pytest.approx(f1[index])
        assert value["f1", name].low < f1[index] < value["f1", name].high


def test_f1_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    confusion = np.array([[0.40, 0.05], [0.08, 0.47]])
    truth = 2 * 0.40 / (2 * 0.40 + 0.13)
    held = []
    for counts in rng.multinomial(150, confusion.ravel(), size=1500):
        row = class_rows(counts.reshape(2, 2), ("a", "b"), 0.95)[4]
        assert (row.name, row.slice) == ("f1", "a")
        held.append(row.low <= truth <= row.high)
    assert 0.93 <= np.mean(held) <= 0.98


def test_a_class_without_images_is_left_out_and_said() -> None:
    labels = np.array([0, 0, 1, 1])
    logits = np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
    found = Predictions.of(("a", "b", "c", "d"), labels, logits)
    rows = rows_of(found)
    assert rows["balanced_accuracy"].value == pytest.approx(0.75)
    assert rows["macro_f1"].value == pytest.approx((2 / 3 + 1) / 2)
    assert "without test images, left out: 1" in rows["balanced_accuracy"].note
    by_class = class_rows(confusion_matrix(labels, found.predicted, 3), ("x", "y", "z"), 0.95)
    absent = next(row for row in by_class if row.name == "accuracy" and row.slice == "z")
    assert (absent.n, absent.low, absent.high) == (0, 0.0, 1.0)
    assert absent.note == "no test image of this class"


def test_top5_of_five_classes_is_trivial_and_said(
    make_predictions: Callable[..., Predictions],
) -> None:
    row = rows_of(make_predictions(50, 5))["top5"]
    assert row.value == 1.0
    assert row.low is None
    assert "every answer" in row.note
    assert rows_of(make_predictions(200, 6, skill=0.0))["top5"].value < 1.0


def test_without_mistakes_the_bootstrap_says_that_it_knows_nothing(
    make_predictions: Callable[..., Predictions],
) -> None:
    rows = rows_of(make_predictions(60, 3, skill=50.0))
    assert rows["macro_f1"].value == rows["mcc"].value == 1.0
    assert rows["macro_f1"].low is None
    assert "no mistake" in rows["macro_f1"].note
    assert rows["top1"].low < 1.0
    assert rows["balanced_accuracy"].low < 1.0


def test_one_image_is_enough(make_predictions: Callable[..., Predictions]) -> None:
    rows = rows_of(make_predictions(1, 3))
    assert rows["top1"].n == 1
    assert rows["top1"].high - rows["top1"].low > 0.7


def test_the_same_seed_gives_the_same_bounds(make_predictions: Callable[..., Predictions]) -> None:
    found = make_predictions(100, 3)
    first, again, other = (agreement_rows(found, 0.95, Draws(100, 50, seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other
