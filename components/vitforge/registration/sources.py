"""What a model version is made from, and the folder that it is filed as."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from vitforge.artifacts import (
    CALIBRATION_FILE,
    DATASET_FILE,
    METRICS_FILE,
    MODEL_FILE,
    PLAN_FILE,
    PREDICTIONS_FILE,
    PREPROCESSING_FILE,
    REPORT_FILE,
    SPLITS_FILE,
    TRAINING_FILE,
    VERDICT_FILE,
    WEIGHTS_FILE,
)
from vitforge.errors import VitforgeError
from vitforge.registry.download import BUNDLE_FOLDER, EVIDENCE_FOLDER

CHECKPOINT_FOLDER = "checkpoint"


@dataclass(frozen=True)
class Sources:
    """Folders of the artifacts that make up a version."""

    dataset: Path
    plan: Path
    checkpoint: Path
    predictions: Path
    metrics: Path
    bundle: Path
    verdict: Path


def gather(sources: Sources, into: Path) -> None:
    """Copy what belongs to a version: the bundle, the checkpoint, and the evidence.

    The temperatures that evaluation fitted join the bundle here, where a server reads them: export
    runs beside evaluation and cannot know them.

    Args:
        sources: The artifacts.
        into: An empty folder, which gets `bundle/`, `checkpoint/` and `evidence/`.

    Raises:
        VitforgeError: if a file that must be there is missing.
    """
    shutil.copytree(sources.bundle, into / BUNDLE_FOLDER)
    if (sources.metrics / CALIBRATION_FILE).exists():  # ordinal and regression fit none
        _copy(sources.metrics / CALIBRATION_FILE, into / BUNDLE_FOLDER)
    for name in (WEIGHTS_FILE, MODEL_FILE, PREPROCESSING_FILE, TRAINING_FILE):
        _copy(sources.checkpoint / name, into / CHECKPOINT_FOLDER)
    for file in (
        sources.dataset / DATASET_FILE,
        sources.dataset / SPLITS_FILE,
        sources.plan / PLAN_FILE,
        sources.predictions / PREDICTIONS_FILE,
        sources.metrics / METRICS_FILE,
        sources.metrics / REPORT_FILE,
        sources.verdict / VERDICT_FILE,
    ):
        _copy(file, into / EVIDENCE_FOLDER)


def _copy(file: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(file, into / file.name)
    except FileNotFoundError:
        raise VitforgeError(
            f"{file.name} is missing from its artifact",
            where=str(file),
            mend="run the step that writes it again: vitforge run CONFIG --fresh",
        ) from None
