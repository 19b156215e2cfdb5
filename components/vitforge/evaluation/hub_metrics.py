"""Hugging Face `evaluate`: metrics of its hub in our rows, and ours in its form.

Importing `evaluate` takes seconds, so this module is loaded only where it is asked for:

    import evaluate
    from vitforge.evaluation.hub_metrics import ExpectedCalibrationError, TopKAccuracy
    both = evaluate.combine([ExpectedCalibrationError(), TopKAccuracy()])
    both.compute(predictions=logits, references=labels)   # {"ece": ..., "top5": ...}
"""

import inspect
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from vitforge.artifacts import MetricRow
from vitforge.errors import VitforgeError
from vitforge.metrics.class_metrics import expected_calibration_error
from vitforge.metrics.predictions import Predictions


class _FromLogits(evaluate.Metric):  # type: ignore[misc]
    """Takes rows of logits, keeps a confidence and a rank: Arrow is slow with wide rows."""

    def _info(self) -> Any:
        return evaluate.MetricInfo(
            description=type(self).__doc__,
            citation="",
            features=datasets.Features(
                {"predictions": datasets.Value("float32"), "references": datasets.Value("int32")}
            ),
        )

    def add_batch(self, *, predictions: Any = None, references: Any = None, **_: Any) -> None:
        """Add logits, shape (N, C), and class indices, shape (N,)."""
        logits = np.asarray(predictions, dtype=np.float32)
        labels = np.asarray(references, dtype=np.int64)
        found = Predictions.of(("",) * len(labels), labels, logits)
        super().add_batch(predictions=found.confidence.tolist(), references=found.rank.tolist())

    def add(self, *, prediction: Any = None, reference: Any = None, **_: Any) -> None:
        """Add one row of logits and its class index."""
        self.add_batch(predictions=[prediction], references=[reference])


class ExpectedCalibrationError(_FromLogits):
    """Expected calibration error of logits, with bins (lo, hi] (https://arxiv.org/abs/1706.04599).

    `compute(predictions=logits, references=labels, bins=15)` gives `{"ece": [0, 1]}`.
    """

    def _compute(
        self, predictions: Sequence[float], references: Sequence[int], bins: int = 15
    ) -> dict[str, float]:
        right = np.asarray(references) == 0
        return {"ece": expected_calibration_error(np.asarray(predictions), right, bins)}


class TopKAccuracy(_FromLogits):
    """Share of rows whose true class is among the k largest logits.

    `compute(predictions=logits, references=labels, k=5)` gives `{"top5": [0, 1]}`.
    """

    def _compute(
        self, predictions: Sequence[float], references: Sequence[int], k: int = 5
    ) -> dict[str, float]:
        return {f"top{k}": float((np.asarray(references) < k).mean())}


def hub_rows(found: Predictions, names: Sequence[str]) -> list[MetricRow]:
    """Compute metrics of the hub, or of local folders, on predicted classes.

    A metric that needs to know how classes are averaged gets the unweighted mean (`macro`).

    Raises:
        VitforgeError: if a metric cannot be loaded, or does not take predicted classes.
    """
    rows = []
    for name in names:
        metric = _load(name)
        average = "average" in inspect.signature(metric._compute).parameters
        try:
            results = metric.compute(
                predictions=found.predicted.tolist(),
                references=found.labels.tolist(),
                **({"average": "macro"} if average else {}),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise VitforgeError(
                f"the metric {name} does not take predicted and true classes: {error}",
                where="evaluation.extra_metrics",
                mend=f"take {name} out of evaluation.extra_metrics",
            ) from error
        note = "no interval: computed by Hugging Face evaluate as a whole"
        rows += [
            MetricRow(
                name=f"{name.rstrip('/').rsplit('/', 1)[-1]}.{key}",
                value=float(value),
                n=found.n,
                note=note,
            )
            for key, value in (results or {}).items()
            if isinstance(value, float | int | np.number)
        ]
    return rows


def _load(name: str) -> Any:
    try:
        return evaluate.load(name)
    except (FileNotFoundError, OSError, ImportError, ValueError) as error:
        raise VitforgeError(
            f"the metric {name} cannot be loaded: {error}",
            where="evaluation.extra_metrics",
            mend="name a folder with the metric's file, connect to the hub, or leave it out",
        ) from error
