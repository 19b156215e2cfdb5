"""Answers by task, computed by hand."""

import math

import numpy as np
import pytest

from vitforge.artifacts import Calibration
from vitforge.serving.answer import ModelName, Reader
from vitforge.serving.tensors import output_tensors

WHO: ModelName = {"name": "m", "version": "3", "variant": "fp32"}


def fitted(task, temperatures, thresholds=()):
    return Calibration(
        task=task,
        temperatures=temperatures,
        thresholds=thresholds,
        n=1,
        nll_before=1.0,
        nll_after=1.0,
    )


def logit(p):
    return math.log(p / (1 - p))


def outputs(*values):
    return np.array(values, dtype=np.float32)


def test_confidence_has_the_temperature_and_probability_has_not():
    reader = Reader("single_label", ("a", "b"), WHO, fitted("single_label", (2.0,)))
    answer = reader.read(outputs(0.0, math.log(9)))
    assert (answer["label"], answer["model"]["version"]) == ("b", "3")
    assert answer["probability"] == pytest.approx(0.9)
    assert answer["confidence"] == pytest.approx(0.75)  # 9 ** (1 / 2) = 3
    assert [row["label"] for row in answer["probabilities"]] == ["b", "a"]
    assert "confidence" not in Reader("single_label", ("a", "b"), WHO).read(outputs(0.0, 1.0))


def test_labels_are_called_by_the_probability_that_thresholds_were_fitted_to():
    one = outputs(logit(0.9), logit(0.3), logit(0.6))
    names = ("x", "y", "z")
    assert Reader("multi_label", names, WHO).read(one)["labels"] == ["x", "z"]
    temperatures, thresholds = (2.0, 1.0, 1.0), (0.8, 0.25, 0.7)
    calibration = fitted("multi_label", temperatures, thresholds)
    answer = Reader("multi_label", names, WHO, calibration).read(one)
    # x: 0.9 over 0.8, but with the temperature 0.75 under it
    assert answer["labels"] == ["y"]
    shares = [row["probability"] for row in answer["probabilities"]]
    assert shares == pytest.approx([0.9, 0.3, 0.6])
    assert answer["probabilities"][0]["confidence"] == pytest.approx(0.75)
    assert [row["threshold"] for row in answer["probabilities"]] == [0.8, 0.25, 0.7]


def test_an_ordered_class_comes_with_its_expected_rank():
    # P(y > 0) = 0.6, P(y > 1 | y > 0) = 0.5: 0.4, 0.3, 0.3; the median is the second class
    answer = Reader("ordinal", ("low", "mid", "high"), WHO).read(outputs(logit(0.6), 0.0))
    assert (answer["label"], answer["probability"]) == ("mid", pytest.approx(0.3))
    assert [row["label"] for row in answer["probabilities"]] == ["low", "mid", "high"]
    assert answer["expected_rank"] == pytest.approx(0.9)


def test_a_value_is_a_value():
    assert Reader("regression", (), WHO).read(outputs(41.5)) == {
        "task": "regression",
        "value": 41.5,
        "model": WHO,
    }


@pytest.mark.parametrize(
    ("task", "names", "calibration", "rows", "expected"),
    [
        ("single_label", ("a", "b"), None, 2, {"label": 2, "probability": 2}),
        (
            "single_label",
            ("a", "b"),
            fitted("single_label", (1.0,)),
            2,
            {"label": 2, "probability": 2, "confidence": 2},
        ),
        ("multi_label", ("a", "b"), None, 2, {"label": 4, "probability": 4, "called": 4}),
        ("ordinal", ("a", "b", "c"), None, 2, {"label": 2, "probability": 2, "expected_rank": 2}),
        ("regression", (), None, 1, {"value": 2}),
    ],
)
def test_tensors_hold_what_their_shape_says(task, names, calibration, rows, expected):
    reader = Reader(task, names, WHO, calibration)
    answers = [reader.read(outputs(*range(rows))) for _ in range(2)]
    filled = output_tensors(task, names, calibration is not None, answers)
    empty = output_tensors(task, names, calibration is not None)
    assert {one.name: len(one.data) for one in filled} == expected
    assert all(math.prod(one.shape) == len(one.data) for one in filled)
    assert [one.shape[0] for one in empty] == [-1] * len(empty)
    assert [one.name for one in empty] == [one.name for one in filled]
