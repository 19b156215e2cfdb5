"""What the plan predicted, against what the training took."""

from collections.abc import Callable
from typing import TypeVar

import torch

from vitforge.artifacts import Plan
from vitforge.tracking import StepRun

MIB = 2**20
Result = TypeVar("Result")


def with_peak_memory(work: Callable[[], Result]) -> tuple[Result, float | None]:
    """Do some work and say how much memory its tensors held at once.

    Returns:
        What the work returned, and MiB by torch's CUDA allocator; None without a GPU. A CPU has no
        such count, and a process's resident memory holds libraries and freed pages too.
    """
    there = torch.cuda.is_available()
    if there:
        torch.cuda.reset_peak_memory_stats()
    result = work()
    peak = torch.cuda.max_memory_allocated() if there else 0
    return result, peak / MIB if peak else None


def tell_errors(run: StepRun, plan: Plan, seconds: float, memory_mib: float | None) -> None:
    """Log predicted and measured side by side, and the error: predicted over measured, less 1.

    Args:
        run: Hears of them.
        plan: Holds the predictions.
        seconds: That the training took.
        memory_mib: From `with_peak_memory`.
    """
    values = {"seconds_predicted": plan.expected_seconds, "seconds_measured": seconds}
    if seconds > 0:
        values["seconds_error"] = plan.expected_seconds / seconds - 1
    predicted = plan.predicted_memory_mib
    if predicted is not None:
        values["memory_predicted_mib"] = predicted
        if memory_mib is None:
            run.note(f"memory: {predicted:,.0f} MiB predicted; on a CPU it is not measured")
    if memory_mib is not None:
        values["memory_measured_mib"] = memory_mib
        if predicted is not None:
            values["memory_error"] = predicted / memory_mib - 1
            run.note(f"memory: {memory_mib:,.0f} MiB at most, {predicted:,.0f} predicted")
    run.metrics(values)
