"""Quality of one prediction, from five typed probabilities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vitforge.errors import ConfigError

TOLERANCE = 0.02
"""How far typed, rounded probabilities may sum from 1."""


@dataclass(frozen=True)
class PredictionQuality:
    """What one prediction is worth."""

    top1: bool
    """Whether the most probable class is the right one."""
    top5: bool
    """Whether the right class is among the five most probable."""
    confidence: float
    """Highest probability, [0, 1]."""
    entropy: float
    """-Σ p ln p, nats."""
    normalised_entropy: float
    """Entropy over ln(number of classes), [0, 1]."""
    calibration_error: float
    """|confidence - accuracy| of this one prediction, where accuracy is 0 or 1; [0, 1]."""
    confidence_level: Literal["reliable", "uncertain"]
    """`reliable` from the threshold up."""
    reading: str
    """The same in one sentence."""


def prediction_quality(
    probabilities: Sequence[float], label: int, threshold: float = 0.5
) -> PredictionQuality:
    """Judge one prediction.

    Args:
        probabilities: Of two or more classes (the document's calculator takes five); each in
            [0, 1], sum within 0.02 of 1, then divided by their sum. Any order.
        label: Position of the right class in `probabilities`.
        threshold: Confidence that counts as reliable, (0, 1).

    Raises:
        ConfigError: if a probability is NaN or outside [0, 1], the sum is far from 1, or `label` or
            `threshold` is out of range; with what to type instead.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599 (calibration)
    """
    _check(probabilities, label, threshold)
    total = sum(probabilities)
    shares = [p / total for p in probabilities]
    ranking = sorted(range(len(shares)), key=lambda i: -shares[i])
    confidence = shares[ranking[0]]
    right = ranking[0] == label
    # 0 · ln 0 is 0 in the limit.
    entropy = -sum(p * math.log(p) for p in shares if p > 0) + 0.0
    reliable = confidence >= threshold
    return PredictionQuality(
        top1=right,
        top5=label in ranking[:5],
        confidence=confidence,
        entropy=entropy,
        normalised_entropy=entropy / math.log(len(shares)),
        calibration_error=abs(confidence - right),
        confidence_level="reliable" if reliable else "uncertain",
        reading=_reading(right, reliable),
    )


def _reading(right: bool, reliable: bool) -> str:
    if right:
        return (
            "right and sure of it" if reliable else "right, but not sure enough to be relied upon"
        )
    if reliable:
        return "wrong and sure of it: overconfidence, the costliest mistake"
    return "wrong, but unsure: a threshold would have passed this image to a person"


def _check(probabilities: Sequence[float], label: int, threshold: float) -> None:
    if len(probabilities) < 2:
        raise ConfigError(
            f"{len(probabilities)} probabilities are no choice", mend="type 0.6 0.2 0.1 0.06 0.04"
        )
    for position, p in enumerate(probabilities):
        if math.isnan(p) or not 0 <= p <= 1:
            raise ConfigError(
                f"probability {position} is {p}",
                mend="type a number between 0 and 1 in its place; the five sum to 1",
            )
    total = sum(probabilities)
    if abs(total - 1) > TOLERANCE:
        scaled = (
            " ".join(f"{p / total:.3g}" for p in probabilities)
            if total
            else "0.6 0.2 0.1 0.06 0.04"
        )
        raise ConfigError(f"the probabilities sum to {total:.4g}, not to 1", mend=f"type {scaled}")
    if not 0 <= label < len(probabilities):
        raise ConfigError(
            f"there is no position {label} among {len(probabilities)} probabilities",
            mend=f"type a label from 0 to {len(probabilities) - 1}",
        )
    if not 0 < threshold < 1:
        raise ConfigError(
            f"a threshold of {threshold:g} calls everything or nothing reliable", mend="type 0.5"
        )
