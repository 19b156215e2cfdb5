"""What a server says of one image, by task."""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import Calibration
from vitforge.config.data import Task
from vitforge.tasks import LABEL_THRESHOLD, predicted_classes, probabilities

TOP = 5


class ClassProbability(TypedDict):
    """One class or label of an answer."""

    label: str
    probability: float
    confidence: NotRequired[float]
    """The probability with the temperature that was fitted to validation images."""
    threshold: NotRequired[float]
    """From which on the label is called; multi-label only."""


class ModelName(TypedDict):
    """Who answered."""

    name: str
    version: str
    variant: str


class Answer(TypedDict):
    """What is said of one image; which of the keys there are depends on the task."""

    task: Task
    label: NotRequired[str]
    """The class; single-label and ordinal."""
    probability: NotRequired[float]
    """Of that class."""
    confidence: NotRequired[float]
    """Of that class, with the temperature; only where the version holds `calibration.json`."""
    expected_rank: NotRequired[float]
    """Mean of the ordered classes' places under their probabilities, [0, K - 1]; ordinal only."""
    labels: NotRequired[list[str]]
    """The labels that are called; multi-label only."""
    probabilities: NotRequired[list[ClassProbability]]
    """Single-label: the most probable classes, best first; otherwise all, in their own order."""
    value: NotRequired[float]
    """In the target's unit; regression only."""
    model: ModelName


@dataclass(frozen=True)
class Reader:
    """Reads a model's outputs.

    Attributes:
        task: What the outputs mean.
        labels: Class names, in the order of the outputs; empty for a regression.
        model: Who answers.
        calibration: Temperatures and thresholds; None where none were filed.
    """

    task: Task
    labels: tuple[str, ...]
    model: ModelName
    calibration: Calibration | None = None

    def read(self, outputs_O: NDArray[np.float32]) -> Answer:
        """The answer to one image."""
        if self.task == "regression":
            return {"task": self.task, "value": float(outputs_O[0]), "model": self.model}
        shares_K = probabilities(self.task, outputs_O[None])[0]
        calibrated_K = None
        if self.calibration is not None:
            scaled_O = outputs_O / np.asarray(self.calibration.temperatures)
            calibrated_K = probabilities(self.task, scaled_O[None])[0]
        if self.task == "multi_label":
            return self._labels(shares_K, calibrated_K)
        at = int(predicted_classes(self.task, shares_K[None])[0])
        order = (
            range(len(shares_K))
            if self.task == "ordinal"
            else np.argsort(-shares_K, kind="stable")[:TOP].tolist()
        )
        chosen = self._class(at, shares_K, calibrated_K)
        answer: Answer = {
            "task": self.task,
            "label": chosen["label"],
            "probability": chosen["probability"],
            "probabilities": [self._class(k, shares_K, calibrated_K) for k in order],
            "model": self.model,
        }
        if "confidence" in chosen:
            answer["confidence"] = chosen["confidence"]
        if self.task == "ordinal":
            answer["expected_rank"] = float(shares_K @ np.arange(len(shares_K)))
        return answer

    def _labels(
        self, shares_K: NDArray[np.float64], calibrated_K: NDArray[np.float64] | None
    ) -> Answer:
        """Thresholds were fitted to probabilities with the temperatures, so they judge those."""
        judged_K = shares_K if calibrated_K is None else calibrated_K
        fitted = self.calibration.thresholds if self.calibration else ()
        thresholds = fitted or (LABEL_THRESHOLD,) * len(self.labels)
        named = [self._class(k, shares_K, calibrated_K) for k in range(len(self.labels))]
        for row, threshold in zip(named, thresholds, strict=True):
            row["threshold"] = threshold
        return {
            "task": self.task,
            "labels": [
                self.labels[k] for k, limit in enumerate(thresholds) if judged_K[k] >= limit
            ],
            "probabilities": named,
            "model": self.model,
        }

    def _class(
        self, k: int, shares_K: NDArray[np.float64], calibrated_K: NDArray[np.float64] | None
    ) -> ClassProbability:
        named: ClassProbability = {"label": self.labels[k], "probability": float(shares_K[k])}
        if calibrated_K is not None:
            named["confidence"] = float(calibrated_K[k])
        return named
