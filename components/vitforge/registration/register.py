"""`register_model`: one model version in MLflow for one run, however often the step is tried."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitforge.artifacts import (
    DATASET_FILE,
    METRICS_FILE,
    PARITY_FILE,
    PLAN_FILE,
    VERDICT_FILE,
    VERSION_FILE,
    DatasetInfo,
    Metrics,
    Parity,
    Plan,
    RegisteredVersion,
    Verdict,
)
from vitforge.config import RegistryConfig
from vitforge.registration.card import write_card
from vitforge.registration.logged_model import log_model
from vitforge.registration.sources import Sources, gather
from vitforge.registry import set_challenger
from vitforge.registry.download import BUNDLE_FOLDER, file_hashes
from vitforge.registry.model_versions import (
    CHALLENGES_TAG,
    FINGERPRINT_TAG,
    HASHES_TAG,
    KEY_TAG,
    VERDICT_TAG,
)
from vitforge.tracking import StepRun
from vitforge.tracking.client import TRACKING_VARIABLE, mlflow_client
from vitforge.tracking.ids import RunIds, wait_for_ids

__all__ = ["Sources", "register"]

CARD_FILE = "card.md"
IDS_SECONDS = 90.0
HEADLINE = (
    *("top1", "top5", "balanced_accuracy", "macro_f1", "ece", "nll", "entropy"),
    *("auroc", "auprc", "exact_match", "f1", "mae", "rmse", "r2", "class_mae", "qwk"),
)
"""Metrics repeated as tags: MLflow's list of versions shows tags and no metrics."""


def register(
    sources: Sources, *, model_name: str, config: RegistryConfig, out: Path, run: StepRun
) -> RegisteredVersion:
    """File the version; `challenger` only if no gate blocks.

    Args:
        sources: The artifacts that make up the version.
        model_name: Registered model; made if missing.
        config: Tags and what the model is meant for.
        out: Folder of `version.json`.
        run: The step's run.

    Raises:
        VitforgeError: if an artifact lacks a file, or MLflow has given no run in time.
    """
    info = DatasetInfo.load(sources.dataset / DATASET_FILE)
    metrics = Metrics.load(sources.metrics / METRICS_FILE)
    verdict = Verdict.load(sources.verdict / VERDICT_FILE)
    run.progress(0, 3, "waiting for MLflow")
    ids = wait_for_ids(run.folder.parent, IDS_SECONDS, run.step)
    # From within a container the server may have another address than the shipper's.
    uri = os.environ.get(TRACKING_VARIABLE) or ids.tracking_uri
    client = mlflow_client(uri)
    with tempfile.TemporaryDirectory(prefix="vitforge-version-") as temporary:
        folder = Path(temporary)
        gather(sources, folder)
        hashes = file_hashes(folder)
        key = f"{ids.parent_run_id}:{_digest(_of_bundle(hashes))}"
        run.progress(1, 3, "filing the model")
        found = _find(client, model_name, key)
        if found is None:
            card = write_card(
                model_name,
                config,
                info=info,
                plan=Plan.load(sources.plan / PLAN_FILE),
                metrics=metrics,
                parity=Parity.load(sources.bundle / PARITY_FILE),
                verdict=verdict,
                run_id=ids.parent_run_id,
            )
            (folder / CARD_FILE).write_text(card, encoding="utf-8")
            model_id = log_model(
                client, folder, ids, step=run.step, name=model_name, info=info, metrics=metrics
            )
            tags = config.tags | _tags(info, metrics, verdict)
            tags |= {KEY_TAG: key, HASHES_TAG: json.dumps(hashes)}
            run.progress(2, 3, "making the version")
            found = _make(client, model_name, model_id, ids, tags, card)
    if verdict.may_challenge:
        set_challenger(model_name, found.version, uri)
    registered = RegisteredVersion(
        name=model_name,
        version=str(found.version),
        model_uri=f"models:/{model_name}/{found.version}",
        run_id=ids.parent_run_id,
        tracking_uri=uri,
        challenger=verdict.may_challenge,
        hashes=_of_bundle(hashes),
    )
    registered.save(out / VERSION_FILE)
    run.tags({"vitforge.model": model_name, "vitforge.version": registered.version})
    run.note(_sentence(registered, verdict))
    run.progress(3, 3, "done")
    return registered


def _find(client: Any, name: str, key: str) -> Any:
    found = client.search_model_versions(f"name = '{name}' and tags.`{KEY_TAG}` = '{key}'")
    return found[0] if found else None


def _make(
    client: Any, name: str, model_id: str, ids: RunIds, tags: Mapping[str, str], card: str
) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.create_model_version(
        name,
        source=f"models:/{model_id}",
        run_id=ids.parent_run_id,
        tags=dict(tags),
        description=card,
        model_id=model_id,
    )


def _tags(info: DatasetInfo, metrics: Metrics, verdict: Verdict) -> dict[str, str]:
    rows = (metrics.row(name) for name in HEADLINE)
    return {f"metric.{row.name}": f"{row.value:.4f}" for row in rows if row is not None} | {
        VERDICT_TAG: verdict.outcome,
        CHALLENGES_TAG: str(verdict.may_challenge).lower(),
        FINGERPRINT_TAG: info.fingerprint,
        "vitforge.dataset": info.name,
        "vitforge.task": info.task,
    }


def _sentence(registered: RegisteredVersion, verdict: Verdict) -> str:
    filed = f"{registered.name} version {registered.version} is registered"
    if registered.challenger:
        return f"{filed} and is the challenger."
    refused = ", ".join(row.metric for row in verdict.rows if row.blocks)
    return f"{filed}, without the alias challenger: refused by {refused}."


def _of_bundle(hashes: Mapping[str, str]) -> dict[str, str]:
    prefix = f"{BUNDLE_FOLDER}/"
    return {
        path.removeprefix(prefix): value
        for path, value in hashes.items()
        if path.startswith(prefix)
    }


def _digest(hashes: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
