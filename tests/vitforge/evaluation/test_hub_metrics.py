"""Hugging Face `evaluate`: ours in its form, others' in our rows."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vitforge.errors import VitforgeError
from vitforge.metrics.class_metrics import expected_calibration_error
from vitforge.metrics.predictions import Predictions

pytestmark = pytest.mark.slow  # importing evaluate takes seconds

LOCAL = """
import datasets
import evaluate
from sklearn.metrics import f1_score


class LocalF1(evaluate.Metric):
    def _info(self):
        value = datasets.Value("int32")
        features = datasets.Features({"predictions": value, "references": value})
        return evaluate.MetricInfo(description="F1", citation="", features=features)

    def _compute(self, predictions, references, average="binary"):
        return {"f1": f1_score(references, predictions, average=average)}
"""


def test_ours_combine_and_take_batches(make_predictions: Callable[..., Predictions]) -> None:
    import evaluate

    from vitforge.evaluation.hub_metrics import ExpectedCalibrationError, TopKAccuracy

    found = make_predictions(200, 8)
    both = evaluate.combine([ExpectedCalibrationError(), TopKAccuracy()])
    for part in np.array_split(np.arange(200), 3):
        both.add_batch(predictions=found.logits[part], references=found.labels[part])
    ece = expected_calibration_error(found.confidence, found.correct)
    expected = {"ece": pytest.approx(ece, abs=1e-6), "top5": (found.rank < 5).mean()}
    assert both.compute() == expected
    top2 = TopKAccuracy().compute(predictions=found.logits, references=found.labels, k=2)
    assert top2 == {"top2": (found.rank < 2).mean()}


def test_a_local_metric_becomes_rows(
    make_predictions: Callable[..., Predictions], tmp_path: Path
) -> None:
    from sklearn.metrics import f1_score

    from vitforge.evaluation.hub_metrics import hub_rows

    folder = tmp_path / "local_f1"
    folder.mkdir()
    (folder / "local_f1.py").write_text(LOCAL)
    found = make_predictions(100, 4)
    (row,) = hub_rows(found, [str(folder)])
    assert row.name == "local_f1.f1"
    assert row.value == pytest.approx(f1_score(found.labels, found.predicted, average="macro"))
    assert "no interval" in row.note


def test_a_metric_out_of_reach_is_named(
    make_predictions: Callable[..., Predictions], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitforge.evaluation import hub_metrics

    def away(name: str) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(hub_metrics.evaluate, "load", away)
    with pytest.raises(VitforgeError, match="accuracy_of_cats cannot be loaded"):
        hub_metrics.hub_rows(make_predictions(10, 3), ["accuracy_of_cats"])
