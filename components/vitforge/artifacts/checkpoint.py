"""The artifact `checkpoint`: weights, what to build for them, how they were trained."""

from typing import Literal

from pydantic import Field

from vitforge.artifacts.plan import BackboneSpec
from vitforge.artifacts.record import ArtifactModel
from vitforge.config import Strategy
from vitforge.config.data import Task

WEIGHTS_FILE = "model.safetensors"
MODEL_FILE = "config.json"
TRAINING_FILE = "training.json"
PREPROCESSING_FILE = "preprocessing.json"


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
    """Names in the order of the labels; empty for a regression."""
    image_size: int
    task: Task = "single_label"
    """What the head's outputs mean; `vitforge.tasks` reads them."""


class EpochRecord(ArtifactModel):
    """One epoch of training."""

    epoch: int
    learning_rate: float
    train_loss: float
    val_loss: float | None = None
    val_top1: float | None = None
    """Of tasks with a right class."""
    val_metrics: dict[str, float] = Field(default_factory=dict)
    """Every validation metric by name; empty where the epoch was not validated."""
    images_per_second: float


class TrainingSummary(ArtifactModel):
    """`training.json`."""

    strategy: Strategy
    epochs: tuple[EpochRecord, ...]
    best_epoch: int
    best_val_top1: float | None = None
    """Of tasks with a right class."""
    metric: str = "top1"
    """Validation metric that picked the best epoch."""
    best_value: float
    """Its value in that epoch; NaN without validation images."""
    parameters: int
    trainable_parameters: int
    precision: str
    device: str
    seconds: float
    expected_seconds: float
    dataset_fingerprint: str
    alarms: tuple[str, ...] = ()
    """What gradients and attention showed to go wrong, with a remedy."""
    advice: tuple[str, ...] = ()
    """What the curves showed, and what to change next time."""
