"""Answering only when sure: the error among the answers that are kept.

Shapes: N images, R resamples.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitforge.statistics import Draws

_BLOCK = 64


class RiskCoverage(NamedTuple):
    """The surest answers first, shape (N,) each."""

    coverage: NDArray[np.float64]
    """Share of images answered, (0, 1]."""
    risk: NDArray[np.float64]
    """Share of those answers that are wrong, [0, 1]."""
    threshold: NDArray[np.float64]
    """Confidence from which on an image is answered."""


def risk_coverage(confidence_N: NDArray[np.float64], correct_N: NDArray[np.bool_]) -> RiskCoverage:
    """Risk at every coverage; of equally sure answers the earlier image comes first.

    Source: El-Yaniv & Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a.html
    """
    order = np.argsort(-confidence_N, kind="stable")
    kept = np.arange(1, len(order) + 1)
    return RiskCoverage(kept / len(order), np.cumsum(~correct_N[order]) / kept, confidence_N[order])


def aurc(confidence_N: NDArray[np.float64], correct_N: NDArray[np.bool_]) -> float:
    """Area under the risk-coverage curve, [0, 1]: the mean risk over all coverages.

    Source: Geifman & El-Yaniv 2017, https://arxiv.org/abs/1705.08500
    """
    return float(risk_coverage(confidence_N, correct_N).risk.mean())


@dataclass(frozen=True)
class SelectiveRisk:
    """`aurc` as a family: no function of means, but resampled with the same draws."""

    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]
    names: tuple[str, ...] = ("aurc",)
    whole_only: bool = False

    def point(self, among: NDArray[np.bool_] | None = None) -> dict[str, float]:
        """AURC of all images or of a slice."""
        kept = slice(None) if among is None else among
        return {"aurc": aurc(self.confidence[kept], self.correct[kept])}

    def resampled(
        self, draws: Draws, among: NDArray[np.bool_] | None = None
    ) -> dict[str, NDArray[np.float64]]:
        """AURC of every resample, shape (R,)."""
        order = np.argsort(-self.confidence, kind="stable")
        if among is not None:
            order = order[among[order]]
        wrong_N1 = ~self.correct[order, None]
        values = []
        for start in range(0, draws.resamples, _BLOCK):
            counts = draws.counts[order, start : start + _BLOCK].astype(np.float32)
            kept = counts.cumsum(axis=0)
            wrong = (counts * wrong_N1).cumsum(axis=0)
            # An image drawn k times takes k places of the curve; its risk stands for all of them.
            risk = (counts * wrong / np.maximum(kept, 1)).sum(axis=0)
            values.append(risk / np.maximum(kept[-1], 1))
        return {"aurc": np.concatenate(values).astype(np.float64)}
