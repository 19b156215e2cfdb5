"""The artifacts `predictions` and `metrics`."""

from vitforge.artifacts.record import ArtifactModel
from vitforge.config.data import Task

PREDICTIONS_FILE = "predictions.parquet"
FEATURES_FILE = "features.npy"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
CALIBRATION_FILE = "calibration.json"
EVIDENCE_FOLDER = "evidence"


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
    evidence: str = ""
    """File that shows it, relative to `metrics.json`; empty where the number says all."""


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


class Calibration(ArtifactModel):
    """`calibration.json`, beside `metrics.json`: what was fitted to the validation images."""

    task: Task
    temperatures: tuple[float, ...]
    """Logits are divided by it before the softmax or sigmoid; one, or for multi-label one a
    label in the order of the classes."""
    thresholds: tuple[float, ...] = ()
    """Probability, after the temperature, from which on a label is called; multi-label only."""
    n: int
    """Validation images it was fitted on."""
    nll_before: float
    """Of the validation images, nats."""
    nll_after: float
    """The same with the temperatures."""
