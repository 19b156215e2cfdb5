"""The per-image columns and the parquet file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from vitforge.artifacts import PREDICTIONS_FILE
from vitforge.errors import VitforgeError
from vitforge.evaluation.confidence import confidence_rows
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws


def test_ties_go_to_the_first_class_everywhere() -> None:
    logits = np.zeros((3, 3), dtype=np.float32)
    found = Predictions.of(("a", "b", "c"), np.array([0, 1, 2]), logits)
    assert found.rank.tolist() == [0, 1, 2]
    assert found.correct.tolist() == (found.predicted == found.labels).tolist()
    np.testing.assert_allclose(found.entropy, np.log(3))


def test_huge_logits_do_not_overflow() -> None:
    found = Predictions.of(("a",), np.array([1]), np.array([[1e30, -1e30]], dtype=np.float32))
    assert found.confidence[0] == 1.0
    assert found.entropy[0] == 0.0
    assert found.nll[0] == pytest.approx(2e30, rel=1e-6)


def test_blocks_do_not_change_the_columns(
    make_predictions: Callable[..., Predictions], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_predictions(50, 4)
    monkeypatch.setattr("vitforge.metrics.class_scores._BLOCK", 7)
    np.testing.assert_array_equal(make_predictions(50, 4).nll, whole.nll)


def test_parquet_holds_what_was_predicted(
    make_predictions: Callable[..., Predictions], tmp_path: Path
) -> None:
    found = make_predictions(20, 3)
    found.save(tmp_path)
    table = pyarrow.parquet.read_table(tmp_path / PREDICTIONS_FILE)
    assert table.column_names == ["id", "label", "logits", "prediction", "confidence"]
    assert str(table.schema.field("logits").type) == "list<element: float>"
    np.testing.assert_array_equal(np.array(table["logits"].to_pylist(), "f4"), found.logits)
    assert table["prediction"].to_pylist() == found.predicted.tolist()
    assert table["label"].to_pylist() == found.labels.tolist()


@pytest.mark.parametrize(
    ("labels", "logits", "told"),
    [
        ([], np.empty((0, 3)), "no image"),
        ([3], np.zeros((1, 3)), "label 3 is outside"),
        ([0], np.array([[np.nan, 1.0]]), "NaN or infinite logits for 1 images"),
        ([0, 1], np.zeros((1, 3)), "do not belong together"),
    ],
)
def test_unusable_predictions_are_refused(labels: list[int], logits, told: str) -> None:
    ids = tuple(str(i) for i in range(len(labels)))
    with pytest.raises(VitforgeError, match=told):
        Predictions.of(ids, np.array(labels, dtype=np.int64), logits.astype(np.float32))


def test_reliable_share_by_hand() -> None:
    logits = np.log(np.array([[0.9, 0.1], [0.8, 0.2], [0.55, 0.45], [0.3, 0.7]], np.float32))
    found = Predictions.of(("a", "b", "c", "d"), np.array([0, 1, 0, 1]), logits)
    rows = confidence_rows(found, reliable=0.6, level=0.95, draws=Draws(4, 50, 0))
    named = {row.name: row for row in rows}
    assert named["reliable_share"].value == 0.75
    assert named["reliable_accuracy"].value == pytest.approx(2 / 3)
    assert named["reliable_accuracy"].n == 3
    assert named["confidence"].value == pytest.approx((0.9 + 0.8 + 0.55 + 0.7) / 4)
    none = confidence_rows(found, reliable=0.99, level=0.95, draws=Draws(4, 50, 0))[-1]
    assert (none.n, none.low, none.high) == (0, 0.0, 1.0)
    assert "no prediction" in none.note
