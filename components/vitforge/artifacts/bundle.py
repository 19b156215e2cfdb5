"""The artifact `bundle`: what is served, and how it was held against the model."""

from typing import Literal

from pydantic import Field

from vitforge.artifacts.evaluation import MetricRow
from vitforge.artifacts.record import ArtifactModel
from vitforge.config.data import Task

ONNX_FILE = "model.onnx"
INT8_FILE = "model.int8.onnx"
LABELS_FILE = "labels.json"
BASELINE_FILE = "baseline.parquet"
PARITY_FILE = "parity.json"
LATENCY_FILE = "latency.json"
PROBE_FILE = "probe.png"
PROBE_ANSWERS_FILE = "probe.json"


class VariantParity(ArtifactModel):
    """How one exported file answers, against the trained model."""

    variant: Literal["fp32", "int8"]
    file: str
    sha256: str
    bytes: int
    top1: MetricRow
    """What the task is judged by, as the row's name says: `top1`; of a multi-label task `auroc`,
    of a regression `r2`."""
    reference_top1: MetricRow
    """The trained model's."""
    max_error: float
    """Largest absolute difference of outputs: of logits, and of a regression in standard
    deviations of the test images' targets."""
    flips: int
    """Test images whose predicted class changed; of a multi-label task, changed labels of images
    at a probability of 0.5; 0 for a regression, whose answers all move a little."""
    label_flips: tuple[int, ...] = ()
    """The same by label, in the order of the labels; multi-label only."""
    lost: int | None = None
    """Answers that were right and are wrong now, counted as flips are; None where it was not
    counted, as of a regression."""
    gained: int | None = None
    """Answers that were wrong and are right now."""
    accepted: bool
    reason: str = ""


class Parity(ArtifactModel):
    """`parity.json`."""

    variants: tuple[VariantParity, ...]
    batch_invariant: bool
    """Whether answers in a batch equal answers one by one (same classes or labels)."""
    task: Task = "single_label"
    """What the outputs mean; also in the files' own metadata."""


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
    """The image's truth: its class, its labels separated by commas, or its value."""
    probabilities: dict[Literal["fp32", "int8"], tuple[float, ...]]
    """Of each variant, in the order of `labels.json`, without a temperature; empty for a
    regression."""
    values: dict[Literal["fp32", "int8"], float] = Field(default_factory=dict)
    """Of each variant; a regression only."""
    tolerance: float = 1e-3
    """What a server's answer may differ by: kernels differ between processors."""
