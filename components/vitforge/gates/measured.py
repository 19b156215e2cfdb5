"""Every number that a gate may ask for, and the file it comes from."""

from dataclasses import dataclass
from pathlib import Path

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
from vitforge.gates.paired import difference_interval

BUNDLE_METRICS = (
    "onnx_max_error",
    "onnx_flips",
    "int8_top1",
    "int8_drop",
    "int8_flips",
    "latency_ms",
    "latency_p95_ms",
)
"""Metrics of an exported bundle; one that was not measured is undecided, not unknown."""


@dataclass(frozen=True)
class Measured:
    """One number with its origin."""

    row: MetricRow
    source: str
    """File name."""


def collect(metrics: Metrics, bundle: Path) -> dict[str, Measured]:
    """Everything that was measured over all images, by name.

    Raises:
        VitforgeError: if `parity.json` or `latency.json` is missing or damaged.
    """
    parity = Parity.load(bundle / PARITY_FILE)
    latency = Latency.load(bundle / LATENCY_FILE)
    found = [Measured(row, METRICS_FILE) for row in metrics.rows if row.slice == "all"]
    for variant in parity.variants:
        rows = (
            _fp32_rows(variant)
            if variant.variant == "fp32"
            else _int8_rows(variant, metrics.confidence_level)
        )
        found += [Measured(row, PARITY_FILE) for row in rows]
    found += [Measured(row, LATENCY_FILE) for row in _latency_rows(latency)]
    return {measured.row.name: measured for measured in found}


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


def _int8_rows(parity: VariantParity, level: float) -> list[MetricRow]:
    """`int8_drop` is the trained model's top-1 less INT8's, on the same images."""
    n = parity.top1.n
    right_before = round(parity.reference_top1.value * n)
    right_after = round(parity.top1.value * n)
    # Which images changed from right to wrong is not recorded; the flips bound their number, and
    # more changes make a wider interval, so this one holds at least its level.
    lost = (parity.flips + right_before - right_after + 1) // 2
    gained = lost - (right_before - right_after)
    low, high = difference_interval(lost, gained, n, level)
    return [
        parity.top1.model_copy(update={"name": "int8_top1"}),
        MetricRow(
            name="int8_drop",
            value=(right_before - right_after) / n,
            low=low,
            high=high,
            n=n,
            note="paired score interval (Tango), every flip counted as a change of right or wrong",
        ),
        MetricRow(name="int8_flips", value=parity.flips, n=n, note="a count of these very images"),
    ]


def _latency_rows(latency: Latency) -> list[MetricRow]:
    fastest = next((v for v in latency.variants if v.variant == latency.fastest), None)
    if fastest is None:
        return []
    note = f"{fastest.variant} on {latency.machine}; a quantile of timed runs, without interval"
    return [
        MetricRow(name="latency_ms", value=fastest.p50_ms, n=fastest.runs, note=note),
        MetricRow(name="latency_p95_ms", value=fastest.p95_ms, n=fastest.runs, note=note),
    ]
