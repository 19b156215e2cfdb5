"""What is measured of each group: accuracy, rates of true and false positives, calibration,
ranking, and how often the ill are called healthy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from vitforge.errors import ConfigError
from vitforge.evaluation.calibration import ece_interval
from vitforge.evaluation.evaluator import CLASS_TASKS, Context
from vitforge.evaluation.multi_label import ranking_interval
from vitforge.evaluation.rows import WILSON
from vitforge.metrics.class_metrics import expected_calibration_error
from vitforge.metrics.groups import Group
from vitforge.metrics.multi_label import Ranking, auroc, over_labels
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws, Estimate, proportion_interval


@dataclass(frozen=True)
class Measured:
    """One metric, of any group."""

    name: str
    level: float
    how: str
    count: Callable[[Group], int]
    """Images that it is computed from; 0 leaves it undefined."""
    estimate: Callable[[Group, float], Estimate]
    """Value and interval, for a group and a level."""


def measures(context: Context, found: Sequence[Group]) -> list[Measured]:
    """The metrics that the task allows.

    Raises:
        ConfigError: if `evaluation.healthy_label` is no class of the data.
    """
    answers, level = context.found, context.config.confidence_level
    if answers.task == "regression":
        return [_mean("mae", np.abs(answers.values - answers.labels), level)]
    healthy = _healthy(context)
    if answers.task in CLASS_TASKS:
        told = [_share("accuracy", answers.correct, np.ones(answers.n, bool), level)]
        if answers.classes == 2:
            sick, called = answers.labels == 1, answers.predicted == 1
            told += _rates(sick, called, level)
            margin = answers.probabilities[:, 1].astype(np.float32)
            told.append(_auroc(margin[:, None], sick[:, None].astype(np.float32), level))
        if healthy is not None:
            ill = answers.labels != healthy
            told.append(_share("underdiagnosis", answers.predicted == healthy, ill, level))
        told.append(_calibration(context))
        return told
    return _multi_label(answers, healthy, level)


def _multi_label(answers: Predictions, healthy: int | None, level: float) -> list[Measured]:
    """Every label's answers of a group, taken together."""
    known = ~np.isnan(answers.labels)
    truth, called = known & (answers.labels >= 0.5), known & (answers.probabilities >= 0.5)
    exact = ((truth == called) | ~known).all(axis=1)
    told = [_share("accuracy", exact, known.any(axis=1), level)]
    if healthy is not None:
        told.append(
            _share(
                "underdiagnosis",
                called[:, healthy],
                known[:, healthy] & ~truth[:, healthy],
                level,
            )
        )
    else:
        told.append(_share("underdiagnosis", ~called.any(axis=1), truth.any(axis=1), level))
    return [*told, _auroc(answers.logits, answers.labels, level)]


def _healthy(context: Context) -> int | None:
    label = context.config.healthy_label
    if not label:
        return None
    if label not in context.info.classes:
        raise ConfigError(
            f"no class is named {label}",
            where="evaluation.healthy_label",
            mend=f"known are {', '.join(context.info.classes[:20])}",
        )
    return context.info.classes.index(label)


def _share(name: str, hit_N: NDArray[np.bool_], of_N: NDArray[np.bool_], level: float) -> Measured:
    def count(group: Group) -> int:
        return int((of_N & group.among).sum())

    def estimate(group: Group, at: float) -> Estimate:
        n, hits = count(group), int((hit_N & of_N & group.among).sum())
        return Estimate(hits / max(n, 1), *proportion_interval(hits, n, at))

    return Measured(name, level, WILSON, count, estimate)


def _rates(
    positive_N: NDArray[np.bool_], called_N: NDArray[np.bool_], level: float
) -> list[Measured]:
    return [
        _share("true_positive_rate", called_N, positive_N, level),
        _share("false_positive_rate", called_N, ~positive_N, level),
    ]


def _auroc(
    scores_NK: NDArray[np.float32], labels_NK: NDArray[np.float32], level: float
) -> Measured:
    """Mean over the labels that the group has images with and without."""

    def ranked(group: Group) -> Ranking | None:
        return over_labels(auroc, scores_NK[group.among], labels_NK[group.among])

    def count(group: Group) -> int:
        return int(group.among.sum()) if ranked(group) else 0

    def estimate(group: Group, at: float) -> Estimate:
        found = ranked(group)
        assert found is not None  # `count` is 0 there
        return Estimate(found.value, *ranking_interval(found, at))

    return Measured("auroc", level, "DeLong, on the logit scale", count, estimate)


def _mean(name: str, values_N: NDArray[np.float64], level: float) -> Measured:
    def count(group: Group) -> int:
        n = int(group.among.sum())
        return n if n > 1 else 0

    def estimate(group: Group, at: float) -> Estimate:
        values = values_N[group.among]
        error = float(values.std(ddof=1)) / np.sqrt(len(values))
        reach = NormalDist().inv_cdf(0.5 + at / 2) * error
        value = float(values.mean())
        return Estimate(value, value - reach, value + reach)

    return Measured(name, level, "normal interval of a mean", count, estimate)


def _calibration(context: Context) -> Measured:
    answers, config = context.found, context.config
    resamples = max(100, config.bootstrap // 5)

    def count(group: Group) -> int:
        return int(group.among.sum())

    def estimate(group: Group, at: float) -> Estimate:
        confidence = answers.confidence[group.among]
        correct = answers.correct[group.among]
        value = expected_calibration_error(confidence, correct, config.ece_bins)
        draws = Draws(len(confidence), resamples, context.seed)
        low, high = ece_interval(confidence, correct, bins=config.ece_bins, level=at, draws=draws)
        return Estimate(value, low, high)

    return Measured("ece", config.confidence_level, "bootstrap, for the bias", count, estimate)
