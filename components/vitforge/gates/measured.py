"""Every number that a gate may ask for, and the file it comes from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from vitforge.artifacts import (
    LATENCY_FILE,
    METRICS_FILE,
    PARITY_FILE,
    Latency,
    MetricRow,
    Metrics,
    Parity,
    VariantParity,
)
from vitforge.config.data import Task
from vitforge.gates.paired import difference_interval

Key: TypeAlias = tuple[str, str]
"""Metric and slice."""


@dataclass(frozen=True)
class Measured:
    """One number with its origin."""

    row: MetricRow
    source: str
    """File name."""


def collect(metrics: Metrics, bundle: Path, task: Task = "single_label") -> dict[Key, Measured]:
    """Everything that was measured, by name and slice.

    Raises:
        VitforgeError: if `parity.json` or `latency.json` is missing or damaged.
    """
    parity = Parity.load(bundle / PARITY_FILE)
    latency = Latency.load(bundle / LATENCY_FILE)
    found = [Measured(row, row.evidence or METRICS_FILE) for row in metrics.rows]
    found += _edge_files(metrics)
    for variant in parity.variants:
        rows = (
            _fp32_rows(variant)
            if variant.variant == "fp32"
            else _int8_rows(variant, metrics.confidence_level, task)
        )
        found += [Measured(row, PARITY_FILE) for row in rows]
    found += [Measured(row, LATENCY_FILE) for row in _latency_rows(latency)]
    return {(measured.row.name, measured.row.slice): measured for measured in found}


def _edge_files(metrics: Metrics) -> list[Measured]:
    """All odd files in one number."""
    files = [row for row in metrics.rows if row.name == "edge_file"]
    if not files:
        return []
    bad = [f"{row.slice}: {row.note}" for row in files if row.value < 1]
    right = len(files) - len(bad)
    told = "; ".join(bad) or "bad ones refused with their cause, odd ones read"
    note = f"{right} of {len(files)} kinds of file; {told}; no interval: one file of each"
    row = MetricRow(name="edge_files", value=right / len(files), n=len(files), note=note)
    return [Measured(row, files[0].evidence or METRICS_FILE)]


def _fp32_rows(parity: VariantParity) -> list[MetricRow]:
    n = parity.top1.n
    return [
        MetricRow(
            name="onnx_max_error",
            value=parity.max_error,
            n=n,
            note="a largest difference has no interval",
        ),
        MetricRow(name="onnx_flips", value=parity.flips, n=n, note="a count of these very images"),
    ]


def _int8_rows(parity: VariantParity, level: float, task: Task) -> list[MetricRow]:
    """`int8_drop` is the trained model's top-1 less INT8's, on the same images."""
    n = parity.top1.n
    flips = MetricRow(
        name="int8_flips", value=parity.flips, n=n, note="a count of these very images"
    )
    if task == "regression":
        return []
    if task == "multi_label":
        drop = parity.reference_top1.value - parity.top1.value
        note = "no interval: labels of one image are not independent"
        return [MetricRow(name="int8_drop", value=drop, n=n, note=note), flips]
    right_before = round(parity.reference_top1.value * n)
    right_after = round(parity.top1.value * n)
    lost, gained, how = parity.lost, parity.gained, ""
    if lost is None or gained is None:
        # The flips bound the changes of right and wrong, and more changes make a wider interval,
        # so this one holds at least its level.
        lost = (parity.flips + right_before - right_after + 1) // 2
        gained = lost - (right_before - right_after)
        how = ", every flip counted as a change of right or wrong"
    low, high = difference_interval(lost, gained, n, level)
    return [
        parity.top1.model_copy(update={"name": "int8_top1"}),
        MetricRow(
            name="int8_drop",
            value=(lost - gained) / n,
            low=low,
            high=high,
            n=n,
            note=f"{lost} images lost, {gained} gained; paired score interval (Tango){how}",
        ),
        flips,
    ]


def _latency_rows(latency: Latency) -> list[MetricRow]:
    fastest = next((v for v in latency.variants if v.variant == latency.fastest), None)
    if fastest is None:
        return []
    median = {variant.variant: variant.p50_ms for variant in latency.variants}
    speedups = [
        MetricRow(
            name=name,
            value=median[before] / median[after],
            n=fastest.runs,
            note=f"median of {before} over that of {after} on {latency.machine}; no interval",
        )
        for name, before, after in (
            ("onnx_speedup", "torch", "fp32"),
            ("int8_speedup", "fp32", "int8"),
        )
        if before in median and after in median
    ]
    note = f"{fastest.variant} on {latency.machine}; a quantile of timed runs, without interval"
    return [
        MetricRow(name="latency_ms", value=fastest.p50_ms, n=fastest.runs, note=note),
        MetricRow(name="latency_p95_ms", value=fastest.p95_ms, n=fastest.runs, note=note),
        *speedups,
    ]


def saved_task(predictions: Path) -> Task:
    """The task that a predictions file was made for; a single class where there is no file."""
    import pyarrow.parquet

    if not predictions.exists():
        return "single_label"
    metadata = pyarrow.parquet.read_schema(predictions).metadata or {}
    task: Any = (metadata.get(b"task") or b"single_label").decode()
    return cast(Task, task)
