"""Mistakes that the model was sure of: the ones that nothing downstream would catch."""

import json
from typing import Any

import numpy as np

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, Need
from vitforge.evaluation.rows import WILSON
from vitforge.statistics import proportion_interval

NEEDS: Need = "predictions"
TASKS = CLASS_TASKS
FILE = "mistakes.json"
KEPT = 200
"""Most mistakes that the file names."""


def rows(context: Context) -> list[MetricRow]:
    """Row `confident_mistakes`: the share of images that are wrong at a confidence from which on
    answers are called reliable. The file names the mistakes, the surest first."""
    found, reliable = context.found, context.config.reliable_confidence
    wrong = np.flatnonzero(~found.correct)
    worst = wrong[np.argsort(-found.confidence[wrong], kind="stable")]
    told = [described(context, int(i)) for i in worst[:KEPT]]
    evidence = context.keep(FILE, json.dumps(told, indent=2).encode() + b"\n")
    sure = int((found.confidence[wrong] >= reliable).sum())
    low, high = proportion_interval(sure, found.n, context.config.confidence_level)
    return [
        MetricRow(
            name="confident_mistakes",
            value=sure / found.n,
            low=low,
            high=high,
            n=found.n,
            note=f"{WILSON}; wrong at a confidence of {reliable:g} or more",
            evidence=evidence,
        )
    ]


def described(context: Context, index: int) -> dict[str, Any]:
    """One image and what was said of it."""
    found, classes = context.found, context.info.classes
    return {
        "id": found.ids[index],
        "index": index,
        "label": classes[found.labels[index]],
        "prediction": classes[found.predicted[index]],
        "confidence": round(float(found.confidence[index]), 6),
    }
