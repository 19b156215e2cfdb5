"""`evaluate_model`: one clean pass, every evaluator, one report."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vitforge.artifacts import (
    CALIBRATION_FILE,
    DATASET_FILE,
    EVIDENCE_FOLDER,
    METRICS_FILE,
    REPORT_FILE,
    TEST,
    DatasetInfo,
    MetricRow,
    Metrics,
    ModelConfig,
)
from vitforge.config import EvaluationConfig
from vitforge.errors import VitforgeError
from vitforge.evaluation.accuracy import confusion_matrix
from vitforge.evaluation.evaluator import CLASS_TASKS, Context, applies, draw
from vitforge.evaluation.own import checked_rows
from vitforge.evaluation.registry import EVALUATORS, evaluators
from vitforge.metrics.predictions import Predictions
from vitforge.tracking import StepRun

if TYPE_CHECKING:
    from vitforge.report import Section

HEADLINE = (
    *("top1", "top5", "balanced_accuracy", "macro_f1", "ece", "nll", "entropy"),
    *("auroc", "auprc", "exact_match", "mae", "rmse", "r2", "class_mae", "qwk"),
)
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
        seed: Seed of every random choice.
        config: What is measured.
        predictions: Where `predictions.parquet` goes.
        out: Where `metrics.json`, `report.html` and the evidence go.
        run: The step's run.

    Returns:
        What `metrics.json` holds.

    Raises:
        VitforgeError: if the model and the data set do not belong together, or the model cannot
            be loaded or gives unusable answers.
    """
    from vitforge.evaluation.page import build_report
    from vitforge.evaluation.predict import predict
    from vitforge.evaluation.trained import load_trained
    from vitforge.training.threads import fitting_threads

    info = DatasetInfo.load(dataset / DATASET_FILE)
    trained = load_trained(checkpoint)
    _check_same(trained.config, info, checkpoint)
    model, start = trained.backbone, time.perf_counter()
    with fitting_threads(model.parameter_count, model.tokens, config.batch_size):
        found = predict(
            trained,
            dataset,
            info,
            TEST,
            batch_size=config.batch_size,
            progress=run.progress,
            watch="attention" not in config.skip,
        )
        found.save(predictions)
        clean = time.perf_counter() - start
        context = Context(found, info, config, seed, out, dataset, trained, run.progress)
        metrics, sections, seconds = measure(context)
    metrics.save(out / METRICS_FILE)
    report = build_report(dataset, info, trained.config, found, metrics, config, sections)
    report.save(out / REPORT_FILE)
    _log(metrics, {"clean_pass": clean} | seconds, out, run)
    return metrics


class Measured(NamedTuple):
    """What the evaluators found."""

    metrics: Metrics
    sections: "list[Section]"
    """Their parts of the report, in their order."""
    seconds: dict[str, float]
    """Wall time of each evaluator that ran."""


def measure(context: Context) -> Measured:
    """Run every evaluator that knows the task and has what it needs."""
    found, info = context.found, context.info
    rows: list[MetricRow] = []
    sections: list[Section] = []
    seconds: dict[str, float] = {}
    for name, evaluator in evaluators(context.config):
        if not applies(evaluator, context):
            continue
        start = time.perf_counter()
        built_in = name in EVALUATORS
        told = evaluator.rows(context) if built_in else checked_rows(name, evaluator, context)
        rows += told
        sections += draw(evaluator, context, told)
        seconds[name] = time.perf_counter() - start
    metrics = Metrics(
        rows=tuple(rows),
        confidence_level=context.config.confidence_level,
        confusion=_confusion(found),
        classes=info.classes,
        dataset_fingerprint=info.fingerprint,
    )
    return Measured(metrics, sections, seconds)


def _check_same(model: ModelConfig, info: DatasetInfo, checkpoint: Path) -> None:
    for what in ("classes", "task"):
        if getattr(model, what) != getattr(info, what):
            raise VitforgeError(
                f"the model and the data set have different {what}",
                where=str(checkpoint),
                mend="evaluate on the data set that the model was trained on",
            )


def _confusion(found: Predictions) -> tuple[tuple[int, ...], ...]:
    if found.task not in CLASS_TASKS:
        return ()
    counts = confusion_matrix(found.labels, found.predicted, found.classes)
    return tuple(tuple(row) for row in counts.tolist())


def _log(metrics: Metrics, seconds: dict[str, float], out: Path, run: StepRun) -> None:
    overall = {row.name: row.value for row in metrics.rows if row.slice == "all"}
    by_slice = {
        # MLflow allows few signs in a metric's name.
        f"{row.name}/{re.sub(r'[^A-Za-z0-9_. -]', '_', row.slice)}": row.value
        for row in metrics.rows
        if row.slice != "all" and row.n
    }
    spent = {f"evaluation_seconds/{name}": taken for name, taken in seconds.items()}
    run.metrics(overall | by_slice | spent)
    run.headline({name: overall[name] for name in HEADLINE if name in overall})
    run.file(out / REPORT_FILE)
    run.file(out / METRICS_FILE)
    if (out / CALIBRATION_FILE).exists():
        run.file(out / CALIBRATION_FILE)
    for evidence in sorted((out / EVIDENCE_FOLDER).glob("*")):
        run.file(evidence, EVIDENCE_FOLDER)
    top1 = metrics.row("top1")
    if top1 and top1.low is not None and top1.high is not None:
        run.note(
            f"top-1 {top1.value:.1%} ({top1.low:.1%} to {top1.high:.1%}) on {top1.n:,} test images"
        )
    for name, title in (("auroc", "AUROC"), ("r2", "R²")):
        if top1 is None and (score := metrics.row(name)):
            run.note(f"{title} {score.value:.3f} on {score.n:,} test images")
    longest = sorted(seconds.items(), key=lambda one: -one[1])[:3]
    told = ", ".join(f"{name} {taken:.1f} s" for name, taken in longest)
    run.note(f"evaluated in {sum(seconds.values()):.1f} s: {told}")
