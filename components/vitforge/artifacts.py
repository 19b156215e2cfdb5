"""The contract between steps: what each artifact holds, under which name, in which shape.

An artifact is a folder. Steps meet only here. Every JSON file is one of the models below, written
atomically and read back checked.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vitforge.config import FinetuningConfig, Strategy
from vitforge.errors import VitforgeError

# dataset
TRAIN, VAL, TEST, CALIBRATION = "train", "val", "test", "calibration"
SPLITS = (TRAIN, VAL, TEST, CALIBRATION)
DATASET_FILE = "dataset.json"
SPLITS_FILE = "splits.parquet"
# plan
PLAN_FILE = "plan.json"
# checkpoint
WEIGHTS_FILE = "model.safetensors"
MODEL_FILE = "config.json"
TRAINING_FILE = "training.json"
# checkpoint and bundle
PREPROCESSING_FILE = "preprocessing.json"
# predictions
PREDICTIONS_FILE = "predictions.parquet"
# evaluation
METRICS_FILE = "metrics.json"
# bundle
ONNX_FILE = "model.onnx"
INT8_FILE = "model.int8.onnx"
LABELS_FILE = "labels.json"
BASELINE_FILE = "baseline.parquet"
PARITY_FILE = "parity.json"
LATENCY_FILE = "latency.json"
PROBE_FILE = "probe.png"
PROBE_ANSWERS_FILE = "probe.json"
# verdict, version, deployment
VERDICT_FILE = "verdict.json"
VERSION_FILE = "version.json"
DEPLOYMENT_FILE = "deployment.json"
# dataset, evaluation, verdict
REPORT_FILE = "report.html"

Record = TypeVar("Record", bound="ArtifactModel")


class ArtifactModel(BaseModel):
    """Base of every JSON file in an artifact."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        ser_json_inf_nan="strings",  # as null an infinite error could not be read back
    )

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_atomically(path, self.model_dump_json(indent=2).encode() + b"\n")

    @classmethod
    def load(cls: type[Record], path: Path) -> Record:
        """Read and check.

        Raises:
            VitforgeError: if the file is missing or is not of this model.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise VitforgeError(
                f"{path.name} is missing from its artifact",
                where=str(path),
                mend="run the step that writes it again: vitforge run CONFIG --fresh",
            ) from None
        except ValidationError as error:
            raise VitforgeError(
                f"{path.name} is not a {cls.__name__} of this version: {error.errors()[0]['msg']}",
                where=str(path),
                mend="vitforge run CONFIG --fresh",
            ) from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Raises:
        OSError: if the disk refuses, with `path` as the file's name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        Path(temporary).unlink(missing_ok=True)


class ImageStatistics(ArtifactModel):
    """Pixels of the training split."""

    mean: tuple[float, float, float]
    """Mean of R, G, B, [0, 1]."""
    std: tuple[float, float, float]
    """Standard deviation of R, G, B, [0, 1]."""
    median_width: int
    """Pixels."""
    median_height: int
    """Pixels."""


class DroppedImage(ArtifactModel):
    """An input that did not make it into the data set."""

    path: str
    reason: str


class DatasetInfo(ArtifactModel):
    """`dataset.json`. Beside it lie the Arrow splits, one folder each, with the columns `image`
    (datasets.Image), `label` (int64 index into `classes`) and `id` (string, unique)."""

    name: str
    source: str
    task: Literal["single_label"] = "single_label"
    classes: tuple[str, ...]
    sizes: dict[str, int]
    """Images in each split; calibration images are also training images."""
    class_counts: dict[str, tuple[int, ...]]
    """Images of each class in train, val and test, in the order of `classes`."""
    statistics: ImageStatistics
    fingerprint: str
    """SHA-256 over every image's bytes, label and split, whatever its path or order."""
    seed: int
    dropped: tuple[DroppedImage, ...] = ()


class BackboneSpec(ArtifactModel):
    """A backbone, said in full: enough to build it again, here or elsewhere."""

    library: Literal["timm", "transformers"]
    name: str
    """Architecture or hub id, without the library's prefix; or a local folder."""
    args: dict[str, Any] = Field(default_factory=dict)
    pretrained: bool
    label: str

    @property
    def display(self) -> str:
        """What reports call it."""
        return self.label or f"{self.library}/{self.name}"


class CandidateResult(ArtifactModel):
    """One measured candidate."""

    name: str
    parameters: int
    image_size: int
    tokens: int
    latency_ms: float
    """Median milliseconds an image, batch 1, this machine."""
    train_ms: float
    """Milliseconds an image, forward and backward."""
    knn_top1: float | None = None
    """Accuracy of nearest neighbours on frozen features; None when not measured."""
    trial_top1: float | None = None
    """Accuracy after the short fine-tune; None when not measured."""
    low: float | None = None
    """Lower bound of the deciding accuracy's interval."""
    high: float | None = None
    """Upper bound of the deciding accuracy's interval."""
    n: int = 0
    """Images that the accuracy was measured on."""
    skipped: str = ""
    """Why it was not measured; empty when it was."""


class Plan(ArtifactModel):
    """`plan.json`: every choice resolved, with the numbers behind it."""

    backbone: BackboneSpec
    strategy: Strategy
    epochs: int
    seed: int
    recipe: FinetuningConfig
    image_size: int
    candidates: tuple[CandidateResult, ...]
    reasons: tuple[str, ...]
    """Why this backbone, in sentences with numbers."""
    expected_seconds: float
    """Training time expected from the measured step."""


class Preprocessing(ArtifactModel):
    """`preprocessing.json`: the one way from an image file to the model's input."""

    image_size: int
    """Height and width, pixels."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: Literal["squash", "crop"] = "crop"
    """`squash`: both sides to `image_size`; `crop`: shorter side to it, then the centre."""
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"


class ModelConfig(ArtifactModel):
    """`config.json` of a checkpoint: what to build before loading the weights."""

    backbone: BackboneSpec
    classes: tuple[str, ...]
    image_size: int


class EpochRecord(ArtifactModel):
    """One epoch of training."""

    epoch: int
    learning_rate: float
    train_loss: float
    val_loss: float | None = None
    val_top1: float | None = None
    images_per_second: float


class TrainingSummary(ArtifactModel):
    """`training.json`."""

    strategy: Strategy
    epochs: tuple[EpochRecord, ...]
    best_epoch: int
    best_val_top1: float
    parameters: int
    trainable_parameters: int
    precision: str
    device: str
    seconds: float
    expected_seconds: float
    dataset_fingerprint: str


class MetricRow(ArtifactModel):
    """One number, with what it is worth."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int
    """Images it was computed from."""
    slice: str = "all"
    """`all`, or the class or group it holds for."""
    note: str = ""
    """How the interval was made, or why there is none."""


class Metrics(ArtifactModel):
    """`metrics.json`."""

    rows: tuple[MetricRow, ...]
    confidence_level: float
    confusion: tuple[tuple[int, ...], ...]
    """Rows are true classes, columns predicted ones."""
    classes: tuple[str, ...]
    dataset_fingerprint: str

    def row(self, name: str, slice_: str = "all") -> MetricRow | None:
        """The row of that name and slice, or None."""
        found = (row for row in self.rows if row.name == name and row.slice == slice_)
        return next(found, None)


class VariantParity(ArtifactModel):
    """How one exported file answers, against the trained model."""

    variant: Literal["fp32", "int8"]
    file: str
    sha256: str
    bytes: int
    top1: MetricRow
    reference_top1: MetricRow
    max_error: float
    """Largest absolute difference of logits."""
    flips: int
    """Test images whose predicted class changed."""
    accepted: bool
    reason: str = ""


class Parity(ArtifactModel):
    """`parity.json`."""

    variants: tuple[VariantParity, ...]
    batch_invariant: bool
    """Whether answers in a batch equal answers one by one (same classes)."""


class VariantLatency(ArtifactModel):
    """Speed of one variant on this machine."""

    variant: Literal["torch", "fp32", "int8"]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    images_per_second: float
    """At batch 16."""
    runs: int
    threads: int


class Latency(ArtifactModel):
    """`latency.json`."""

    variants: tuple[VariantLatency, ...]
    fastest: Literal["fp32", "int8", ""]
    """The fastest variant that passed parity: what `variant: auto` serves; empty when none did."""
    machine: str
    """Processor and cores."""


class ProbeAnswers(ArtifactModel):
    """`probe.json`: what every variant answers for `probe.png`, to hold a server against."""

    label: str
    """The image's true class."""
    probabilities: dict[Literal["fp32", "int8"], tuple[float, ...]]
    """Softmax of each variant, in the order of `labels.json`."""


class GateRow(ArtifactModel):
    """One gate, judged."""

    metric: str
    outcome: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    value: float | None
    low: float | None
    high: float | None
    n: int
    threshold: str
    """e.g. `>= 0.96`."""
    blocks: bool
    """Whether this row refuses the model."""
    evidence: str
    """The file the value comes from, and what would change the outcome."""


class Verdict(ArtifactModel):
    """`verdict.json`."""

    outcome: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    """FAIL when a row blocks; INCONCLUSIVE when one is undecided and none blocks."""
    rows: tuple[GateRow, ...]
    champion: str = ""
    """The version compared against, or empty."""

    @property
    def may_challenge(self) -> bool:
        """Whether the version may carry the alias `challenger`."""
        return not any(row.blocks for row in self.rows)


class RegisteredVersion(ArtifactModel):
    """`version.json`: the model version in MLflow."""

    name: str
    version: str
    model_uri: str
    run_id: str
    tracking_uri: str
    challenger: bool
    hashes: dict[str, str]
    """SHA-256 of every file of the bundle."""


class Deployment(ArtifactModel):
    """`deployment.json`."""

    status: Literal["live", "rehearsed", "skipped"]
    detail: str
    url: str = ""
    variant: str = ""
    name: str = ""
    version: str = ""
    start_seconds: float = 0.0
    """Time from starting the server until it was ready."""
    answer_ms: float = 0.0
    """Time of one prediction for a PNG over HTTP."""
