"""Temperatures and thresholds come from the validation images and are judged on the test images."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from vitforge.artifacts import CALIBRATION_FILE, Calibration
from vitforge.evaluation.evaluator import Context
from vitforge.evaluation.multi_label import rows as label_rows
from vitforge.evaluation.temperature import fit_calibration, rows, scale
from vitforge.evaluation.thresholds import choose_thresholds
from vitforge.metrics.predictions import Predictions


def with_validation(context: Context, validation: Predictions) -> Context:
    """A context whose model has answered the validation images already."""
    context = replace(context, model=object())
    context.__dict__["validation"] = validation
    return context


def honest(n: int, seed: int, sharpness: float) -> Predictions:
    """Labels drawn from the softmax of the logits, which are then sharpened."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((n, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    ids = tuple(str(i) for i in range(n))
    return Predictions.of(ids, labels, (sharpness * logits).astype(np.float32))


def test_a_miscalibrated_model_is_mended(make_context: Callable[..., Context]) -> None:
    context = with_validation(make_context(honest(4000, 1, 3.0)), honest(3000, 2, 3.0))
    told = {row.name: row for row in rows(context)}
    assert told["temperature"].value == pytest.approx(3, rel=0.1)
    assert told["nll_scaled"].value < 0.8 * context.found.nll.mean()
    assert told["ece_scaled"].low < 0.01 and told["ece_scaled"].value < 0.04
    kept = Calibration.load(context.out / CALIBRATION_FILE)
    assert kept.temperatures == (told["temperature"].value,)
    assert kept.n == 3000 and kept.nll_after < kept.nll_before
    scaled = scale(context.found, kept.temperatures)
    np.testing.assert_array_equal(scaled.predicted, context.found.predicted)


def labelled(n: int, seed: int) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, 2)) < [0.3, 0.1]).astype(np.float32)
    logits = (rng.normal(-1, 1, (n, 2)) + 2 * truth).astype(np.float32)
    ids = tuple(str(i) for i in range(n))
    return Predictions.of(ids, truth, logits * np.float32([1, 4]), "multi_label")


def test_every_label_has_its_own(make_context: Callable[..., Context]) -> None:
    fitted = fit_calibration(labelled(3000, 0), 0.9)
    assert len(fitted.temperatures) == len(fitted.thresholds) == 2
    assert fitted.temperatures[1] > 2 * fitted.temperatures[0]
    context = with_validation(make_context(labelled(3000, 1), specificity=0.9), labelled(3000, 2))
    told = {(row.name, row.slice): row for row in label_rows(context)}
    for label in ("c0", "c1"):
        there = told["specificity_there", label]
        # What was chosen elsewhere holds here, within what chance allows.
        assert there.low - 0.01 <= 0.9 <= there.high + 0.01
        # Positives lie two standard deviations higher: Phi(2 - 1.2816) of them are called.
        assert told["sensitivity_at_specificity", label].value == pytest.approx(0.764, abs=0.05)
        assert told["auroc", label].low < told["auroc", label].value < told["auroc", label].high


def test_a_threshold_by_hand() -> None:
    logits = np.log(np.array([0.1, 0.2, 0.3, 0.4, 0.9], np.float32))
    logits -= np.log1p(-np.exp(logits))
    truth = np.array([0, 0, 0, 0, 1], np.float32)
    ids = tuple("abcde")
    found = Predictions.of(ids, truth[:, None], logits[:, None], "multi_label")
    (chosen,) = choose_thresholds(found, 0.75)
    assert chosen.value == pytest.approx(0.3, abs=1e-6) and chosen.n == 4
    assert (found.probabilities[:4, 0] >= chosen.value).sum() == 1
    (all_kept,) = choose_thresholds(found, 0.76)
    assert (found.probabilities[:4, 0] >= all_kept.value).sum() == 0
    unknown = Predictions.of(ids, np.full((5, 1), np.nan, np.float32), logits[:, None], found.task)
    assert choose_thresholds(unknown, 0.9) == [(0.5, 0)]
