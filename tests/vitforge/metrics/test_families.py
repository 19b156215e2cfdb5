"""Metrics of each task against scikit-learn; two models in pairs."""

from collections.abc import Callable

import numpy as np
import pytest

from vitforge.errors import VitforgeError
from vitforge.metrics.families import families, paired_differences
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws


def point(found: Predictions) -> dict[str, float]:
    return {k: v for family in families(found) for k, v in family.point().items()}


def ids(n: int) -> tuple[str, ...]:
    return tuple(str(i) for i in range(n))


def ordinal(n: int = 300, classes: int = 5, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    noisy = labels[:, None] + rng.normal(0, 0.8, (n, 1)) - np.arange(classes - 1) - 0.5
    return Predictions.of(ids(n), labels, (3 * noisy).astype(np.float32), "ordinal")


def multi_label(n: int = 400, labels: int = 4, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, labels)) < [0.5, 0.2, 0.1, 0.4]).astype(np.float32)
    logits = rng.normal(-1, 1, (n, labels)) + 1.5 * truth
    truth[rng.random((n, labels)) < 0.1] = np.nan
    return Predictions.of(ids(n), truth, logits.round(1).astype(np.float32), "multi_label")


def test_classes(make_predictions: Callable[..., Predictions]) -> None:
    from sklearn import metrics as oracle

    found = make_predictions(500, 7)
    told, y, p = point(found), found.labels, found.predicted
    assert told["top1"] == pytest.approx(oracle.accuracy_score(y, p))
    assert told["balanced_accuracy"] == pytest.approx(oracle.balanced_accuracy_score(y, p))
    assert told["macro_f1"] == pytest.approx(oracle.f1_score(y, p, average="macro"))
    assert told["mcc"] == pytest.approx(oracle.matthews_corrcoef(y, p))
    assert told["nll"] == pytest.approx(oracle.log_loss(y, found.probabilities), rel=1e-6)


def test_correlation_with_one_answer_alone_is_zero() -> None:
    logits = np.tile(np.float32([0, 5, 0]), (30, 1))
    found = Predictions.of(ids(30), np.arange(30) % 3, logits)
    (family,) = (f for f in families(found) if "mcc" in f.names)
    assert family.point()["mcc"] == 0
    assert (family.resampled(Draws(30, 50, 0))["mcc"] == 0).all()


def test_a_regression() -> None:
    from sklearn import metrics as oracle

    rng = np.random.default_rng(0)
    truth = rng.normal(70, 12, 250).astype(np.float32)
    values = truth + rng.normal(1, 5, 250).astype(np.float32)
    told = point(Predictions.of(ids(250), truth, values[:, None], "regression"))
    assert told["mae"] == pytest.approx(oracle.mean_absolute_error(truth, values), rel=1e-5)
    assert told["rmse"] == pytest.approx(oracle.root_mean_squared_error(truth, values), rel=1e-5)
    assert told["r2"] == pytest.approx(oracle.r2_score(truth, values), abs=1e-5)


def test_ordered_classes() -> None:
    from sklearn import metrics as oracle

    found = ordinal()
    told = point(found)
    kappa = oracle.cohen_kappa_score(found.labels, found.predicted, weights="quadratic")
    assert told["qwk"] == pytest.approx(kappa, abs=1e-6)
    mae = oracle.mean_absolute_error(found.labels, found.predicted)
    assert told["class_mae"] == pytest.approx(mae, abs=1e-6)
    # By hand: P(y>0) = .9, P(y>1) = .9 x .4: the median is class 1, the mode class 1.
    logits = np.log(np.array([[0.9 / 0.1, 0.4 / 0.6]], np.float32))
    one = Predictions.of(("a",), np.array([2]), logits, "ordinal")
    assert one.predicted.tolist() == [1]
    assert one.confidence[0] == pytest.approx(0.9 * 0.6)
    assert one.nll[0] == pytest.approx(-np.log(0.36))


def test_labels_with_unknown_ones() -> None:
    from sklearn import metrics as oracle

    found = multi_label()
    told = point(found)
    known = ~np.isnan(found.labels)
    by_label = [
        (found.labels[m, k], found.logits[m, k], found.probabilities[m, k] >= 0.5)
        for k, m in enumerate(known.T)
    ]
    mean = {
        "auroc": np.mean([oracle.roc_auc_score(y, z) for y, z, _ in by_label]),
        "auprc": np.mean([oracle.average_precision_score(y, z) for y, z, _ in by_label]),
        "sensitivity": np.mean([oracle.recall_score(y, c) for y, _, c in by_label]),
        "specificity": np.mean([oracle.recall_score(y, c, pos_label=0) for y, _, c in by_label]),
        "f1": np.mean([oracle.f1_score(y, c) for y, _, c in by_label]),
        "nll": oracle.log_loss(found.labels[known], found.probabilities[known]),
        "brier": oracle.brier_score_loss(found.labels[known], found.probabilities[known]),
    }
    for name, value in mean.items():
        assert told[name] == pytest.approx(value, rel=1e-5), name


@pytest.mark.parametrize("name", ["auroc", "auprc"])
def test_a_ranking_is_resampled_by_influence_as_by_drawing_images(name: str) -> None:
    from sklearn import metrics as oracle

    found = multi_label(300)
    found = Predictions.of(
        found.ids, np.nan_to_num(found.labels[:, :1]), found.logits[:, :1], "multi_label"
    )
    (family,) = (f for f in families(found) if f.names == (name,))
    draws = Draws(found.n, 400, seed=1)
    ours = family.resampled(draws)[name]
    score = oracle.roc_auc_score if name == "auroc" else oracle.average_precision_score
    y, z = found.labels[:, 0], found.logits[:, 0]
    drawn = [score(y, z, sample_weight=draws.counts[:, r]) for r in range(400)]
    assert np.std(ours) == pytest.approx(np.std(drawn), rel=0.08)
    assert np.corrcoef(ours, drawn)[0, 1] > 0.97


@pytest.mark.parametrize("task", ["single_label", "ordinal", "multi_label"])
def test_a_resample_is_the_metric_of_the_images_drawn(
    make_predictions: Callable[..., Predictions], task: str
) -> None:
    whole = {
        "single_label": make_predictions(120, 4),
        "ordinal": ordinal(120),
        "multi_label": multi_label(120),
    }[task]
    draws = Draws(whole.n, 5, seed=2)
    drawn = np.repeat(np.arange(whole.n), draws.counts[:, 3])
    part = Predictions.of(
        tuple(str(i) for i in range(len(drawn))), whole.labels[drawn], whole.logits[drawn], task
    )
    expected = point(part)
    for family in families(whole):
        if not family.whole_only:
            for name, values in family.resampled(draws).items():
                # Of equally sure answers the area counts the last place for all.
                near = 0.02 if name == "aurc" else 1e-5
                assert values[3] == pytest.approx(expected[name], abs=near), name


def test_two_models_on_the_same_images(make_predictions: Callable[..., Predictions]) -> None:
    labels = np.random.default_rng(0).integers(0, 5, 600)
    noise = np.random.default_rng(1).normal(0, 1, (600, 5)).astype(np.float32)
    hot = np.eye(5, dtype=np.float32)[labels]
    weak, strong = (Predictions.of(ids(600), labels, noise + s * hot) for s in (1.0, 2.5))
    draws = Draws(600, 400, 0)
    told = {row.name: row for row in paired_differences(strong, weak, draws, 0.95)}
    assert {"top1", "macro_f1", "mcc", "ece", "nll", "aurc", "ece_classwise"} <= set(told)
    gained = (strong.correct & ~weak.correct).mean() - (weak.correct & ~strong.correct).mean()
    assert told["top1"].value == pytest.approx(gained, abs=1e-6)
    # The paired interval of a difference of proportions, in closed form.
    spread = np.std(strong.correct.astype(float) - weak.correct) / np.sqrt(600)
    assert told["top1"].high - told["top1"].low == pytest.approx(2 * 1.96 * spread, rel=0.15)
    assert told["nll"].high < 0 < told["top1"].low
    same = paired_differences(weak, weak, draws, 0.95)
    assert all(row.value == row.low == row.high == 0 for row in same)
    part = paired_differences(strong, weak, draws, 0.95, among=labels < 2, slice_="a")
    assert {(row.slice, row.n) for row in part} == {("a", int((labels < 2).sum()))}
    with pytest.raises(VitforgeError, match="same images"):
        paired_differences(strong, make_predictions(600, 5), draws, 0.95)
