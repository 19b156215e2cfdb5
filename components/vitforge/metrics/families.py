"""The metrics of each task, and two models' differences on the same images."""

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.errors import VitforgeError
from vitforge.metrics.class_metrics import class_families
from vitforge.metrics.family import Resampled
from vitforge.metrics.multi_label import multi_label_families
from vitforge.metrics.ordinal import ordinal_families
from vitforge.metrics.predictions import Predictions
from vitforge.metrics.regression import regression_families
from vitforge.metrics.selective import SelectiveRisk
from vitforge.statistics import Draws, percentile_interval

LOWER_IS_BETTER = frozenset(
    {"nll", "brier", "ece", "ece_classwise", "mae", "rmse", "class_mae", "aurc"}
)
"""Of all others more is better, but for `confidence`, `entropy` and `reliable_share`."""


def families(found: Predictions, *, bins: int = 15, reliable: float = 0.5) -> list[Resampled]:
    """Every metric of the task that is made of means.

    Args:
        found: The predictions.
        bins: Confidence bins of the calibration error.
        reliable: Confidence from which on an answer is called reliable, (0, 1).
    """
    if found.task == "regression":
        return [*regression_families(found)]
    if found.task == "multi_label":
        return [*multi_label_families(found)]
    ordinal = ordinal_families(found) if found.task == "ordinal" else []
    selective = SelectiveRisk(found.confidence, found.correct)
    return [*class_families(found, bins, reliable), selective, *ordinal]


def paired_differences(
    ours: Predictions,
    theirs: Predictions,
    draws: Draws,
    level: float,
    *,
    among: NDArray[np.bool_] | None = None,
    slice_: str = "all",
) -> list[MetricRow]:
    """Every metric of ours less theirs, both resampled with the same draws.

    Args:
        ours: The challenger's.
        theirs: The champion's, on the same images in the same order.
        draws: The bootstrap's draws of those images.
        level: Confidence level of the intervals.
        among: Images of a slice, shape (N,); None takes all. AUROC and AUPRC are left out of
            slices.
        slice_: The slice's name.

    Returns:
        One row a metric, named as the metric, whose value is the difference.

    Raises:
        VitforgeError: if the images, their labels or the task are not the same.

    Source: Efron & Tibshirani 1993, ch. 8 (paired resampling).
    """
    if (
        ours.ids != theirs.ids
        or ours.task != theirs.task
        or not np.array_equal(
            ours.labels, theirs.labels, equal_nan=ours.task in ("multi_label", "regression")
        )
    ):
        raise VitforgeError("the two models were not tested on the same images and labels")
    n = ours.n if among is None else int(among.sum())
    rows = []
    for one, other in zip(families(ours), families(theirs), strict=True):
        if among is not None and one.whole_only:
            continue
        a, b = one.point(among), other.point(among)
        a_R, b_R = one.resampled(draws, among), other.resampled(draws, among)
        for name in one.names:
            low, high = percentile_interval(a_R[name] - b_R[name], level)
            rows.append(
                MetricRow(
                    name=name,
                    value=a[name] - b[name],
                    low=low,
                    high=high,
                    n=n,
                    slice=slice_,
                    note=f"difference; paired bootstrap percentile, {draws.resamples} resamples",
                )
            )
    return rows
