"""Speed and memory on the machine that the evaluation runs on: latency, load, spikes, leaks."""

import platform
import statistics
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow
from vitforge.evaluation.evaluator import EVERY_TASK, Context, Need

NEEDS: Need = "model"
TASKS = EVERY_TASK
CLIENTS = 4
"""Callers that ask at the same time in the load test."""
SPIKE = 3.0
"""A run this many times slower than the median is a spike."""
LEAK_SAMPLES = 60
"""Readings of memory in the leak test."""
SETTLE = 0.25
"""Share of the leak test that is not judged: allocators fill their pools first."""


def rows(context: Context) -> list[MetricRow]:
    """Latency in ms at batch 1 and under load, throughput, warm-up, spikes, memory, leak."""
    import torch

    trained, stress = context.trained, context.config.stress
    side = trained.config.image_size
    one = torch.zeros(1, 3, side, side, device=trained.device)
    many = one.expand(context.config.batch_size, -1, -1, -1).contiguous()
    cuda = trained.device.type == "cuda"

    def infer(images: torch.Tensor = one) -> None:
        with torch.inference_mode():
            trained.backbone(images)
        if cuda:
            torch.cuda.synchronize()

    if cuda:
        torch.cuda.reset_peak_memory_stats()
    where = f"{torch.cuda.get_device_name() if cuda else platform.processor() or 'CPU'}, " + (
        "one GPU" if cuda else f"{torch.get_num_threads()} threads"
    )
    level = context.config.confidence_level
    first = _timed(infer)
    alone = np.array([_timed(infer) for _ in range(stress.latency_runs)])
    loaded = under_load(infer, CLIENTS, stress.latency_runs)
    found = [
        *latency_rows(alone, "batch 1", level, where),
        *latency_rows(loaded, f"load of {CLIENTS}", level, where),
        _plain(
            "warm_up", first / float(np.median(alone)), 1, f"first run over the median; {where}"
        ),
        spike_row(alone, level),
        *_throughput(lambda: infer(many), len(many), where),
    ]
    context.progress(1, 2, "latency")
    used = peak_memory(cuda)
    found.append(_plain("peak_memory_mb", used / 2**20, 1, f"of the whole process; {where}"))
    found += leak_rows(infer, stress.leak_inferences, stress.leak_alarm, level, memory_now(cuda))
    return found


def latency_rows(
    seconds: NDArray[np.float64], slice_: str, level: float, where: str
) -> list[MetricRow]:
    """p50, p90, p95 and p99 in milliseconds, each between two order statistics.

    The number of runs below a quantile is binomial: that gives an interval without assumption.

    Source: Conover 1999, Practical Nonparametric Statistics, ch. 3.2
    """
    from scipy import stats

    ordered = np.sort(seconds) * 1000
    n = len(ordered)
    tail = (1 - level) / 2
    found = []
    for percent in (50, 90, 95, 99):
        share = percent / 100
        low = int(stats.binom.ppf(tail, n, share)) - 1
        high = int(stats.binom.ppf(1 - tail, n, share))
        found.append(
            MetricRow(
                name=f"latency_p{percent}_ms",
                value=float(np.quantile(ordered, share)),
                low=float(ordered[max(low, 0)]) if low >= 0 else None,
                high=float(ordered[high]) if high < n else None,
                n=n,
                slice=slice_,
                note=f"binomial order statistics; {where}",
            )
        )
    return found


def spike_row(seconds: NDArray[np.float64], level: float) -> MetricRow:
    """Share of runs that took over three times the median."""
    from vitforge.statistics import proportion_interval

    spikes = int((seconds > SPIKE * np.median(seconds)).sum())
    low, high = proportion_interval(spikes, len(seconds), level)
    return MetricRow(
        name="latency_spikes", value=spikes / len(seconds), low=low, high=high, n=len(seconds),
        note=f"share over {SPIKE:g} times the median; Wilson score interval",
    )  # fmt: skip


def under_load(infer: Callable[[], None], clients: int, runs: int) -> NDArray[np.float64]:
    """Latencies when several callers ask at the same time."""
    found: list[list[float]] = [[] for _ in range(clients)]

    def ask(mine: list[float]) -> None:
        mine.extend(_timed(infer) for _ in range(max(1, runs // clients)))

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.concatenate([np.asarray(mine) for mine in found])


def leak_rows(
    infer: Callable[[], None],
    inferences: int,
    alarm: float,
    level: float,
    memory: Callable[[], float],
) -> list[MetricRow]:
    """Growth of memory, bytes an inference: Theil and Sen's slope with its interval.

    The first quarter is not judged. The slope is the median of all pairs' slopes, so that a
    single step, as when an allocator takes one more block, does not look like a leak.

    Source: Sen 1968, https://doi.org/10.1080/01621459.1968.10480934
    """
    from scipy import stats

    every = max(1, inferences // LEAK_SAMPLES)
    places, used = [], []
    for done in range(1, inferences + 1):
        infer()
        if done % every == 0 and done > SETTLE * inferences:
            places.append(done)
            used.append(memory())
    if len(used) < 3:
        return []
    slope, _, low, high = (float(v) for v in stats.theilslopes(used, places, alpha=level))
    leaking = low > alarm
    told = f"over the alarm at {alarm:g}" if leaking else f"alarm at {alarm:g}"
    return [
        MetricRow(
            name="memory_growth",
            value=slope,
            low=low,
            high=high,
            n=inferences,
            note=f"bytes an inference, Theil-Sen slope; {told}",
        )
    ]


def memory_now(cuda: bool) -> Callable[[], float]:
    """A function that reads the bytes in use."""
    if cuda:
        import torch

        return lambda: float(torch.cuda.memory_allocated())
    import psutil

    process = psutil.Process()
    return lambda: float(process.memory_info().rss)


def peak_memory(cuda: bool) -> float:
    """Largest use so far, bytes."""
    if cuda:
        import torch

        return float(torch.cuda.max_memory_allocated())
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def _throughput(infer: Callable[[], None], images: int, where: str) -> Sequence[MetricRow]:
    infer()
    rates = sorted(images / _timed(infer) for _ in range(5))
    return [
        MetricRow(
            name="images_per_second",
            value=statistics.median(rates),
            low=rates[0],
            high=rates[-1],
            n=5,
            slice=f"batch {images}",
            # The range of 5 runs holds the median with probability 1 - 2/2^5.
            note=f"median of 5 batches, their range (94 %); {where}",
        )
    ]


def _plain(name: str, value: float, n: int, note: str) -> MetricRow:
    return MetricRow(name=name, value=value, n=n, note=f"{note}; no interval: one reading")


def _timed(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
