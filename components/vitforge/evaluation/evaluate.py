"""`evaluate_model`: one pass, every clean metric, one report."""

import re
from pathlib import Path

from vitforge.artifacts import (
    DATASET_FILE,
    METRICS_FILE,
    REPORT_FILE,
    DatasetInfo,
    MetricRow,
    Metrics,
)
from vitforge.config import EvaluationConfig
from vitforge.errors import VitforgeError
from vitforge.evaluation.accuracy import (
    accuracy_rows,
    agreement_rows,
    class_rows,
    confusion_matrix,
)
from vitforge.evaluation.calibration import calibration_rows
from vitforge.evaluation.confidence import confidence_rows
from vitforge.evaluation.predict import predict
from vitforge.evaluation.predictions import Predictions
from vitforge.tracking import StepRun

HEADLINE = ("top1", "top5", "balanced_accuracy", "macro_f1", "ece", "nll", "entropy")
"""Metrics that are also shown on the whole run."""


def evaluate(
    dataset: Path,
    checkpoint: Path,
    *,
    seed: int,
    config: EvaluationConfig,
    predictions: Path,
    out: Path,
    run: StepRun,
) -> Metrics:
    """Measure a checkpoint on the held-out images.

    Args:
        dataset: Folder of the dataset artifact.
        checkpoint: Folder of the checkpoint artifact.
        seed: Seed of the resamples.
        config: What is measured.
        predictions: Where `predictions.parquet` goes.
        out: Where `metrics.json` and `report.html` go.
        run: The step's run.

    Returns:
        What `metrics.json` holds.

    Raises:
        VitforgeError: if the model and the data set have different classes, or the model cannot
            be loaded or gives unusable answers.
    """
    from vitforge.evaluation.page import build_report

    info = DatasetInfo.load(dataset / DATASET_FILE)
    found, model = predict(dataset, checkpoint, batch_size=config.batch_size, run=run)
    if model.classes != info.classes:
        raise VitforgeError(
            "the model and the data set have different classes",
            where=str(checkpoint),
            mend="evaluate on the data set that the model was trained on",
        )
    found.save(predictions)
    metrics = measure(found, info, config, seed)
    metrics.save(out / METRICS_FILE)
    build_report(dataset, info, model, found, metrics, config).save(out / REPORT_FILE)
    _log(metrics, out, run)
    return metrics


def measure(found: Predictions, info: DatasetInfo, config: EvaluationConfig, seed: int) -> Metrics:
    """Compute every clean metric from one pass's predictions."""
    level, resamples = config.confidence_level, config.bootstrap
    confusion = confusion_matrix(found.labels, found.predicted, found.classes)
    rows = [
        *accuracy_rows(found, level),
        *agreement_rows(found, level, resamples, seed),
        *calibration_rows(found, bins=config.ece_bins, level=level, resamples=resamples, seed=seed),
        *confidence_rows(
            found,
            reliable=config.reliable_confidence,
            level=level,
            resamples=resamples,
            seed=seed,
        ),
        *class_rows(confusion, info.classes, level),
        *_extra_rows(found, config),
    ]
    return Metrics(
        rows=tuple(rows),
        confidence_level=level,
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        classes=info.classes,
        dataset_fingerprint=info.fingerprint,
    )


def _extra_rows(found: Predictions, config: EvaluationConfig) -> list[MetricRow]:
    if not config.extra_metrics:
        return []
    from vitforge.evaluation.hub_metrics import hub_rows

    return hub_rows(found, config.extra_metrics)


def _log(metrics: Metrics, out: Path, run: StepRun) -> None:
    overall = {row.name: row.value for row in metrics.rows if row.slice == "all"}
    by_class = {
        # MLflow allows few signs in a metric's name.
        f"{row.name}/{re.sub(r'[^A-Za-z0-9_. -]', '_', row.slice)}": row.value
        for row in metrics.rows
        if row.slice != "all" and row.n
    }
    run.metrics(overall | by_class)
    run.headline({name: overall[name] for name in HEADLINE})
    run.file(out / REPORT_FILE)
    run.file(out / METRICS_FILE)
    top1 = metrics.row("top1")
    if top1 and top1.low is not None and top1.high is not None:
        run.note(
            f"top-1 {top1.value:.1%} ({top1.low:.1%} to {top1.high:.1%}) on {top1.n:,} test images"
        )
