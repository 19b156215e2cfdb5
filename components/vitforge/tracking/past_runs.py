"""What past runs predicted and measured, read from the tracking server's REST interface.

MLflow itself takes seconds to import, so a step that only reads does without it. A store that is
not behind HTTP, needs an account, or does not answer has nothing to tell.
"""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from vitforge.tracking.client import is_reachable
from vitforge.tracking.runs import PARENT_TAG, STEP_TAG

DEVICE_TAG = "vitforge.device"
PRECISION_TAG = "vitforge.precision"
NEWEST = 200
"""Runs of each step that are looked at."""
TIMEOUT = 5.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True)
class PastRun:
    """One training that ended, and what its plan had said of it. None where it was not logged.

    Attributes:
        device: `cpu`, or the GPU's name.
        precision: Of the training: fp32, bf16 or fp16.
        seconds_predicted: From the measured step, before any correction.
        seconds_measured: Of the training.
        memory_predicted_mib: By steps on fake tensors.
        memory_measured_mib: By torch's CUDA allocator; None on a CPU.
        gflops_an_image: Work of one training step an image, 10^9 operations.
        images_per_second: Of the last epoch.
    """

    device: str
    precision: str
    seconds_predicted: float | None
    seconds_measured: float | None
    memory_predicted_mib: float | None
    memory_measured_mib: float | None
    gflops_an_image: float | None
    images_per_second: float | None


def read_past_runs(tracking_uri: str) -> tuple[PastRun, ...]:
    """The newest finished trainings of a tracking server, all experiments together.

    Args:
        tracking_uri: Its address; empty, or not HTTP, has no runs.

    Returns:
        Newest first; those without a plan of this version are left out, and so are trainings that
        may stop early, whose time says nothing of the prediction.
    """
    if not tracking_uri.startswith(("http://", "https://")) or not is_reachable(tracking_uri):
        return ()
    try:
        found = _ask(tracking_uri, "experiments/search", {"max_results": 1000})
        experiments = [one["experiment_id"] for one in found.get("experiments", ())]
        plans = {run.parent: run for run in _runs(tracking_uri, experiments, "select_model")}
        trainings = _runs(tracking_uri, experiments, "finetune_model")
    except (OSError, ValueError, KeyError):
        return ()
    return tuple(
        PastRun(
            device=plans[run.parent].tags[DEVICE_TAG],
            precision=plans[run.parent].tags.get(PRECISION_TAG, ""),
            seconds_predicted=plans[run.parent].metrics.get("seconds_uncorrected"),
            seconds_measured=run.metrics.get("seconds_measured"),
            memory_predicted_mib=run.metrics.get("memory_predicted_mib"),
            memory_measured_mib=run.metrics.get("memory_measured_mib"),
            gflops_an_image=plans[run.parent].metrics.get("training_gflops"),
            images_per_second=run.metrics.get("images_per_second"),
        )
        for run in trainings
        if run.parent in plans
        and DEVICE_TAG in plans[run.parent].tags
        and run.params.get("plan.recipe.patience", "0") == "0"
    )


class _Run:
    """One run as the server tells it."""

    def __init__(self, told: dict[str, Any]) -> None:
        data = told.get("data", {})
        self.tags = {one["key"]: one["value"] for one in data.get("tags", ())}
        self.params = {one["key"]: one["value"] for one in data.get("params", ())}
        self.metrics = {one["key"]: float(one["value"]) for one in data.get("metrics", ())}
        self.parent = self.tags.get(PARENT_TAG, "")


def _runs(tracking_uri: str, experiments: list[str], step: str) -> list[_Run]:
    wanted = {
        "experiment_ids": experiments,
        "filter": f"tags.`{STEP_TAG}` = '{step}' and attributes.status = 'FINISHED'",
        "max_results": NEWEST,
        "order_by": ["attributes.start_time DESC"],
    }
    return [_Run(one) for one in _ask(tracking_uri, "runs/search", wanted).get("runs", ())]


def _ask(tracking_uri: str, what: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{tracking_uri.rstrip('/')}/api/2.0/mlflow/{what}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        told: dict[str, Any] = json.load(answer)
    return told
