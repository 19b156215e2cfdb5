"""The artifacts that gates are judged on, with faults planted at will."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from vitforge.artifacts import (
    LATENCY_FILE,
    METRICS_FILE,
    PARITY_FILE,
    PREDICTIONS_FILE,
    REPORT_FILE,
    Latency,
    MetricRow,
    Metrics,
    Parity,
    VariantLatency,
    VariantParity,
)
from vitforge.report import Report, Section
from vitforge.statistics import wilson

N = 400


def _top1(right: int) -> MetricRow:
    low, high = wilson(right, N)
    return MetricRow(name="top1", value=right / N, low=low, high=high, n=N, note="Wilson")


def _parity(right: int, int8_right: int | None, flips: int, max_error: float) -> Parity:
    def variant(name: str, answers: int, flipped: int, error: float) -> VariantParity:
        return VariantParity.model_validate(
            {
                "variant": name,
                "file": f"{name}.onnx",
                "sha256": "0" * 64,
                "bytes": 1,
                "top1": _top1(answers).model_dump(),
                "reference_top1": _top1(right).model_dump(),
                "max_error": error,
                "flips": flipped,
                "accepted": True,
            }
        )

    variants = [variant("fp32", right, 0, max_error)]
    if int8_right is not None:
        variants.append(variant("int8", int8_right, flips, 0.4))
    return Parity(variants=tuple(variants), batch_invariant=True)


def _write(
    root: Path,
    *,
    right: int = 392,
    ece: tuple[float, float, float] = (0.03, 0.01, 0.05),
    int8_right: int | None = 392,
    flips: int = 2,
    max_error: float = 1e-5,
    latency_ms: float = 4.0,
) -> tuple[Path, Path, Path]:
    predictions, metrics, bundle = root / "predictions", root / "metrics", root / "bundle"
    write_predictions(predictions / PREDICTIONS_FILE, np.arange(N) < right)
    Metrics(
        rows=(
            _top1(right),
            MetricRow(name="ece", value=ece[0], low=ece[1], high=ece[2], n=N, note="bootstrap"),
            MetricRow(name="mcc", value=0.97, n=N, note="no interval: no mistake to resample"),
            MetricRow(
                name="reliable_accuracy", value=0, low=0, high=1, n=0, note="no prediction is sure"
            ),
            MetricRow(name="accuracy", value=0.1, low=0, high=1, n=9, slice="cat", note="Wilson"),
        ),
        confidence_level=0.95,
        confusion=((right, N - right), (0, 0)),
        classes=("cat", "dog"),
        dataset_fingerprint="f" * 64,
    ).save(metrics / METRICS_FILE)
    Report("Evaluation", "of a test", [Section("Key figures", "<p>old</p>")]).save(
        metrics / REPORT_FILE
    )
    _parity(right, int8_right, flips, max_error).save(bundle / PARITY_FILE)
    speed = VariantLatency(
        variant="fp32",
        p50_ms=latency_ms,
        p95_ms=5,
        p99_ms=6,
        images_per_second=9,
        runs=9,
        threads=2,
    )
    Latency(variants=(speed,), fastest="fp32", machine="a machine").save(bundle / LATENCY_FILE)
    return predictions, metrics, bundle


def write_predictions(file: Path, right: np.ndarray, prefix: str = "id") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "id": [f"{prefix}-{i}" for i in range(len(right))],
        "label": np.zeros(len(right), np.int64),
        "logits": np.where(right[:, None], [[2.0, 0.0]], [[0.0, 2.0]]).astype(np.float32).tolist(),
        "prediction": np.where(right, 0, 1),
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file


@pytest.fixture
def artifacts(tmp_path: Path) -> Callable[..., tuple[Path, Path, Path]]:
    """Writes the three artifacts of a good model; keywords plant faults."""
    return lambda **faults: _write(tmp_path, **faults)


@pytest.fixture(scope="session")
def predictions_file() -> Callable[..., Path]:
    return write_predictions
