"""System metrics of a step's process, read from outside it."""

import importlib
import platform
import time
from typing import Any

MEBIBYTE = 1024 * 1024


class SystemSampler:
    """Reads CPU and memory of one process and what it started, and the GPUs where there are any.

    Args:
        pid: The step's process.
        host: The machine it runs on; on another one (a container, say) its pid means nothing here.
    """

    def __init__(self, pid: int, host: str) -> None:
        import psutil

        self._process: Any = None
        if host == platform.node():
            try:
                self._process = psutil.Process(pid)
                self._last = (self._process.create_time(), 0.0)
            except psutil.Error:
                self._process = None
        self._gpus = _gpus() if self._process else []

    def sample(self) -> dict[str, float]:
        """Metrics under MLflow's names for them; empty once the process is gone."""
        import psutil

        if self._process is None:
            return {}
        try:
            family = [self._process, *self._process.children(recursive=True)]
            seconds = memory = 0.0
            for process in family:
                with process.oneshot():
                    times = process.cpu_times()
                    seconds += times.user + times.system
                    memory += process.memory_info().rss
        except psutil.Error:
            return {}
        now = time.time()
        elapsed, used = now - self._last[0], seconds - self._last[1]
        self._last = (now, seconds)
        values = {
            "system/cpu_utilization_percentage": max(0.0, 100 * used / max(elapsed, 1e-3)),
            "system/process_memory_megabytes": memory / MEBIBYTE,
        }
        return values | self._sample_gpus()

    def _sample_gpus(self) -> dict[str, float]:
        values: dict[str, float] = {}
        for index, (nvml, handle) in enumerate(self._gpus):
            memory, use = nvml.nvmlDeviceGetMemoryInfo(handle), nvml.nvmlDeviceGetUtilizationRates
            values[f"system/gpu_{index}_memory_usage_megabytes"] = memory.used / MEBIBYTE
            values[f"system/gpu_{index}_utilization_percentage"] = float(use(handle).gpu)
        return values


def _gpus() -> list[tuple[Any, Any]]:
    try:
        pynvml = importlib.import_module("pynvml")
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
        return [(pynvml, pynvml.nvmlDeviceGetHandleByIndex(i)) for i in range(count)]
    except Exception:  # no library, no driver, no GPU: all the same here
        return []
