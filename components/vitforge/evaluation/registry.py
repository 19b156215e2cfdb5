"""Every evaluator by name, in the order of the report."""

import importlib
from collections.abc import Iterator
from typing import cast

from vitforge.config import EvaluationConfig
from vitforge.errors import ConfigError
from vitforge.evaluation.evaluator import Evaluator
from vitforge.evaluation.own import load_own

EVALUATORS = (
    "accuracy",
    "ordinal",
    "multi_label",
    "regression",
    "calibration",
    "temperature",
    "confidence",
    "selective",
    "fairness",
    "weak_slices",
    "mistakes",
    "label_noise",
    "attention",
    "attention_maps",
    "shift",
    "adversarial",
    "edge_cases",
    "efficiency",
    "hub",
)
"""Modules of this package; one is imported only when it is its turn."""


def evaluators(config: EvaluationConfig) -> Iterator[tuple[str, Evaluator]]:
    """The built-in evaluators that `evaluation.skip` leaves, then the user's own.

    Raises:
        ConfigError: if a name to skip is unknown, or a file of one's own is no evaluator.
    """
    unknown = [name for name in config.skip if name not in EVALUATORS]
    if unknown:
        raise ConfigError(
            f"no such evaluator: {', '.join(unknown)}",
            where="evaluation.skip",
            mend=f"known are {', '.join(EVALUATORS)}",
        )
    own = [load_own(path) for path in config.own]
    for name in EVALUATORS:
        if name not in config.skip:
            yield name, cast(Evaluator, importlib.import_module(f"vitforge.evaluation.{name}"))
    yield from own
