"""The version's files and metrics as an MLflow LoggedModel, tied to its run and its data set."""

import json
import os
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vitforge.artifacts import LABELS_FILE, PREPROCESSING_FILE, DatasetInfo, Metrics, Preprocessing
from vitforge.registry.download import BUNDLE_FOLDER
from vitforge.tracking.ids import RunIds
from vitforge.tracking.sender import DIGEST_LENGTH, key_of

CODE_FILE = Path(__file__).with_name("pyfunc_model.py")
REQUIREMENTS = ("mlflow", "numpy", "onnxruntime")


def log_model(
    client: Any,
    folder: Path,
    ids: RunIds,
    *,
    step: str,
    name: str,
    info: DatasetInfo,
    metrics: Metrics,
) -> str:
    """File a folder as a pyfunc model from code: no pickle, nothing inferred, nothing executed.

    Args:
        client: An MLflow client.
        folder: What is filed; holds `bundle/`.
        ids: The runs; the model is tied to the parent.
        step: The step whose child run logs the model's metrics.
        name: Name of the model in MLflow.
        info: The data set that the metrics were measured on.
        metrics: The test metrics.

    Returns:
        The LoggedModel's id.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus, Metric

    model = client.create_logged_model(
        ids.experiment_id,
        name=name,
        source_run_id=ids.parent_run_id,
        params={"task": info.task, "classes": str(len(info.classes)), "dataset": info.name},
        model_type="image-regressor" if info.task == "regression" else "image-classifier",
    )
    with tempfile.TemporaryDirectory(prefix="vitforge-model-") as temporary:
        target = Path(temporary) / "model"
        _save(folder, target, model.model_id, ids.parent_run_id)
        client.log_model_artifacts(model.model_id, str(target))
    now = int(time.time() * 1000)
    dataset = {"dataset_name": info.name, "dataset_digest": info.fingerprint[:DIGEST_LENGTH]}
    points = [
        Metric(key_of(row.name), row.value, now, 0, model_id=model.model_id, **dataset)
        for row in metrics.rows
        if row.slice == "all"
    ]
    client.log_batch(ids.children[step], metrics=points, synchronous=True)
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(ids.parent_run_id, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id)


def _save(folder: Path, target: Path, model_id: str, run_id: str) -> None:
    # MLflow would look for a uv project around the current folder and lock it.
    os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    with warnings.catch_warnings():
        # The example that MLflow asks for would make it load and run the model here.
        warnings.filterwarnings("ignore", message=".*input example")
        save_model(
            path=str(target),
            python_model=str(CODE_FILE),
            artifacts={path.stem: str(path) for path in sorted(folder.iterdir())},
            model_config={"variant": "auto"},
            signature=_signature(folder / BUNDLE_FOLDER),
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
            mlflow_model=Model(run_id=run_id, model_id=model_id, model_uuid=model_id),
        )


def _signature(bundle: Path) -> Any:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    size = Preprocessing.load(bundle / PREPROCESSING_FILE).image_size
    labels = len(json.loads((bundle / LABELS_FILE).read_text(encoding="utf-8")))
    kind = np.dtype(np.float32)
    return ModelSignature(
        inputs=Schema([TensorSpec(kind, (-1, 3, size, size))]),
        outputs=Schema([TensorSpec(kind, (-1, labels or 1))]),
    )
