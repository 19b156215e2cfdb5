"""What a finished run amounts to: verdict, version, headline metrics, links, times."""

import shutil
from pathlib import Path
from typing import Any

from vitforge.artifacts import (
    DEPLOYMENT_FILE,
    LATENCY_FILE,
    METRICS_FILE,
    PARITY_FILE,
    REPORT_FILE,
    VERDICT_FILE,
    VERSION_FILE,
    Deployment,
    Latency,
    Metrics,
    Parity,
    RegisteredVersion,
    Verdict,
)
from vitforge_pipelines.runners.local import RunOutcome, find_artifact

HEADLINES = (
    *("top1", "top5", "balanced_accuracy", "ece", "entropy", "nll"),
    *("auroc", "auprc", "exact_match", "mae", "rmse", "r2", "class_mae", "qwk"),
)
SCORES = {"top1": "top-1", "auroc": "AUROC", "r2": "R²"}
"""The one number that people ask for first, of the tasks that have it."""


def summarize(outcome: RunOutcome) -> dict[str, Any]:
    """The result of a run as JSON-ready values; parts that the run did not reach are null."""
    folder = outcome.folder
    return {
        "run": outcome.record.name,
        "state": outcome.record.state,
        "verdict": _verdict(folder),
        "model": _model(folder),
        "metrics": _metrics(folder),
        "deployment": _deployment(folder),
        "report": _report(folder),
        "mlflow_url": outcome.mlflow_url or None,
        "steps": [
            {"name": view.name, "seconds": round(view.seconds, 2), "kept": name in outcome.kept}
            for name, view in outcome.steps.items()
            if view.state != "waiting"
        ],
        "seconds": round(outcome.seconds, 2),
    }


def _verdict(folder: Path) -> str | None:
    path = find_artifact(folder, "verdict", VERDICT_FILE)
    return Verdict.load(path).outcome if path else None


def _model(folder: Path) -> dict[str, Any] | None:
    path = find_artifact(folder, "version", VERSION_FILE)
    if path is None:
        return None
    version = RegisteredVersion.load(path)
    return {
        "name": version.name,
        "version": version.version,
        "uri": version.model_uri,
        "challenger": version.challenger,
    }


def _metrics(folder: Path) -> dict[str, float]:
    told: dict[str, float] = {}
    if path := find_artifact(folder, "metrics", METRICS_FILE):
        metrics = Metrics.load(path)
        rows = ((name, metrics.row(name)) for name in HEADLINES)
        told |= {name: row.value for name, row in rows if row}
        if score := next((row for name in SCORES if (row := metrics.row(name))), None):
            told["n"] = score.n
    if path := find_artifact(folder, "bundle", PARITY_FILE):
        for variant in Parity.load(path).variants:
            told[f"{variant.variant}_{variant.top1.name}"] = variant.top1.value
            told[f"{variant.variant}_max_error"] = variant.max_error
    if path := find_artifact(folder, "bundle", LATENCY_FILE):
        for speed in Latency.load(path).variants:
            told[f"{speed.variant}_p50_ms"] = speed.p50_ms
    return told


def _deployment(folder: Path) -> dict[str, Any] | None:
    path = find_artifact(folder, "deployed", DEPLOYMENT_FILE)
    return Deployment.load(path).model_dump(mode="json") if path else None


def _report(folder: Path) -> str | None:
    """Put the report at the top of the run's folder, where people look."""
    source = find_artifact(folder, "verdict", REPORT_FILE)
    source = source or find_artifact(folder, "metrics", REPORT_FILE)
    if source is None:
        return None
    target = folder / REPORT_FILE
    shutil.copyfile(source, target)
    return str(target)
