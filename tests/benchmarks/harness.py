"""What benchmarks share: the result's shape, where it is kept, and the machine's name."""

import json
import os
import platform
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Processor, cores and GPU of this machine, without host names."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores"


def keep(
    benchmark: str,
    *,
    ours: float,
    peer: float,
    goal: str,
    met: bool,
    unit: str,
    peer_name: str,
    **details: Any,
) -> None:
    """Print one result as a JSON line and keep it under `results/`.

    Args:
        benchmark: Its name; also the file's.
        ours: What we measured, in `unit`.
        peer: What the peer or the limit is, in `unit`, from the same run.
        goal: The goal in words, e.g. `ratio <= 1`.
        met: Whether it was reached.
        unit: Unit of both values.
        peer_name: What we are compared with.
        details: Anything a reader needs to judge the figure.
    """
    result = {
        "benchmark": benchmark,
        "ours": round(ours, 4),
        "peer": round(peer, 4),
        "ratio": round(ours / peer, 4) if peer else None,
        "goal": goal,
        "met": met,
        "unit": unit,
        "peer_name": peer_name,
        "machine": machine(),
        "details": details,
    }
    line = json.dumps(result)
    print(line, flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{benchmark}.json").write_text(
        json.dumps(result, indent=2) + "\n", encoding="utf-8"
    )
