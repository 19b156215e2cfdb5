"""A version tried on a real server before anyone promotes it."""

import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitforge.artifacts import LABELS_FILE, PROBE_ANSWERS_FILE, PROBE_FILE, ProbeAnswers
from vitforge.config import DeploymentConfig
from vitforge.deployment.client import ask
from vitforge.deployment.process import ServerProcess
from vitforge.errors import VitforgeError

TIMED_ANSWERS = 10


@dataclass(frozen=True)
class Rehearsal:
    """What was found."""

    variant: str
    start_seconds: float
    answer_ms: float


def rehearse(
    bundle: Path, *, name: str, version: str, config: DeploymentConfig, log: Path
) -> Rehearsal:
    """Start a server on a free port, hold its answer against the pipeline's, stop it.

    Args:
        bundle: Folder of the bundle.
        name: Registered model.
        version: Its version.
        config: Variant, and time allowed to become ready.
        log: File for the server's output.

    Raises:
        VitforgeError: if the server does not start, does not answer, or answers otherwise.
    """
    start = time.monotonic()
    server = ServerProcess(
        bundle,
        name=name,
        version=version,
        variant=config.variant,
        host="127.0.0.1",
        port=0,
        log=log,
    )
    try:
        server.wait_ready(config.ready_seconds)
        start_seconds = time.monotonic() - start
        image = (bundle / PROBE_FILE).read_bytes()
        check_answer(ask(server.url, image), bundle, server.variant)
        times = []
        for _ in range(TIMED_ANSWERS):
            asked = time.perf_counter()
            ask(server.url, image)
            times.append((time.perf_counter() - asked) * 1000)
    finally:
        server.stop()
    return Rehearsal(server.variant, start_seconds, statistics.median(times))


def check_answer(answer: dict[str, Any], bundle: Path, variant: str) -> None:
    """Hold an answer for the probe against the expected one.

    Raises:
        VitforgeError: if a probability or value told differs by more than the probe's tolerance.
    """
    answers = ProbeAnswers.load(bundle / PROBE_ANSWERS_FILE)
    which: Any = variant
    if which in answers.values:
        expected, told = {"value": answers.values[which]}, {"value": answer["value"]}
    else:
        labels = json.loads((bundle / LABELS_FILE).read_text(encoding="utf-8"))
        expected = dict(zip(labels, answers.probabilities[which], strict=True))
        told = {row["label"]: row["probability"] for row in answer["probabilities"]}
    for name, found in told.items():
        want = expected.get(name)
        if want is None or not abs(want - found) <= answers.tolerance:
            raise VitforgeError(
                f"the server answers {name} with {found:.4f}; the pipeline expects "
                f"{'no such class' if want is None else f'{want:.4f}'}",
                where=str(bundle / PROBE_ANSWERS_FILE),
                mend="do not promote this version; run the pipeline again",
            )
