"""What past runs teach `vitforge plan memory`: read from the tracking server, where one answers."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vitforge.planning.correction import Correction
    from vitforge.planning.devices import Device
    from vitforge.planning.memory import Precision
    from vitforge.tracking.past_runs import PastRun


def past_runs() -> tuple[PastRun, ...]:
    """Of the server that the environment names, or of the embedded one where it runs."""
    from vitforge.tracking.client import TRACKING_VARIABLE
    from vitforge.tracking.past_runs import read_past_runs
    from vitforge.tracking.server import server_status
    from vitforge_pipelines.runners.home import home

    uri = os.environ.get(TRACKING_VARIABLE, "")
    if not uri and (server := server_status(home())):
        uri = server.uri
    return read_past_runs(uri)


def memory_correction(runs: tuple[PastRun, ...]) -> Correction:
    """From runs whose GPU counted what was predicted."""
    from vitforge.planning.correction import learn_from_known

    return learn_from_known([(run.memory_predicted_mib, run.memory_measured_mib) for run in runs])


def speed_correction(
    runs: tuple[PastRun, ...], name: str, device: Device, precision: Precision
) -> Correction:
    """From runs on that kind of device: time an image as the table has it, and as measured.

    Args:
        runs: All there are.
        name: Of the device in the table.
        device: Its row.
        precision: That the runs must share.
    """
    from vitforge.planning.correction import learn_from_known

    pairs = []
    for run in runs:
        if is_such(name, run.device) and run.precision == precision:
            work, rate = run.gflops_an_image, run.images_per_second
            expected = work * 1e9 / device.speed(precision) if work else None
            pairs.append((expected, 1 / rate if rate else None))
    return learn_from_known(pairs)


def is_such(name: str, device: str) -> bool:
    """Whether a device calls itself what the table calls it: by its model, `a100` or `3090`."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    model = next((word for word in words if re.search(r"\d", word)), words[0])
    return model in re.split(r"[^a-z0-9]+", device.lower())
