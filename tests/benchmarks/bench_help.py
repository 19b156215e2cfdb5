"""`vitforge --help`: the median of several starts, against half a second."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from harness import keep

LIMIT = 0.5


def main() -> None:
    """Measure and keep."""
    command = [Path(sys.executable).with_name("vitforge"), "--help"]
    times = []
    for _ in range(8):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    median = statistics.median(times[1:])
    keep(
        "help_seconds",
        ours=median,
        peer=LIMIT,
        goal="under 0.5 s",
        met=median < LIMIT,
        unit="s",
        peer_name="limit",
        runs=len(times) - 1,
    )


if __name__ == "__main__":
    main()
