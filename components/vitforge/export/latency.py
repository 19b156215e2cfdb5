"""How fast each variant answers on this machine."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import VariantLatency
from vitforge.export.runtime import THREADS, Engine, Infer

BATCH = 16
BUDGET_SECONDS = 30.0
"""Measuring stops here even if fewer runs than asked for are done; their number is recorded."""
FEWEST_RUNS = 5


def measure_latency(
    variants: Mapping[Engine, Infer],
    images: NDArray[np.float32],
    *,
    runs: int,
    tell: Callable[[int], None] = lambda done: None,
) -> tuple[VariantLatency, ...]:
    """Time every variant at batch 1 and at batch 16.

    Variants take turns, run by run, so that a busy moment of the machine falls on all of them.

    Args:
        variants: Inference of each.
        images: Shape (N, 3, H, W), N of 1 or more; repeated to fill a batch.
        runs: Timed inferences at batch 1; a tenth of them at batch 16.
        tell: Called with the runs done.
    """
    single, batch = images[:1], np.resize(images, (BATCH, *images.shape[1:]))
    for infer in variants.values():
        for _ in range(3):  # warm-up: memory arenas and caches
            infer(single)
        infer(batch)
    stop = time.perf_counter() + BUDGET_SECONDS * 2 / 3
    ones = _take_turns(variants, single, runs, stop, tell)
    stop += BUDGET_SECONDS / 3
    batches = _take_turns(variants, batch, max(FEWEST_RUNS, runs // 10), stop, lambda done: None)
    measured = []
    for name in variants:
        p50, p95, p99 = np.percentile(ones[name], (50, 95, 99)) * 1000
        measured.append(
            VariantLatency(
                variant=name,
                p50_ms=float(p50),
                p95_ms=float(p95),
                p99_ms=float(p99),
                images_per_second=float(BATCH / np.median(batches[name])),
                runs=len(ones[name]),
                threads=THREADS,
            )
        )
    return tuple(measured)


def _take_turns(
    variants: Mapping[Engine, Infer],
    images: NDArray[np.float32],
    runs: int,
    stop: float,
    tell: Callable[[int], None],
) -> dict[str, list[float]]:
    """Seconds of every run of every variant."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for done in range(runs):
        if done >= FEWEST_RUNS and time.perf_counter() > stop:
            break
        for name, infer in variants.items():
            start = time.perf_counter()
            infer(images)
            seconds[name].append(time.perf_counter() - start)
        tell(done + 1)
    return seconds


def describe_machine() -> str:
    """Processor model and cores, without any name of the host."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores"
