"""One image and its expected answers, to hold a running server against."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitforge.artifacts import (
    PROBE_ANSWERS_FILE,
    PROBE_FILE,
    Preprocessing,
    ProbeAnswers,
    write_atomically,
)
from vitforge.config.data import Task
from vitforge.export.runtime import Infer, Variant
from vitforge.preprocessing import decode_image, to_array
from vitforge.tasks import LABEL_THRESHOLD, probabilities


def write_probe(
    row: Mapping[str, Any],
    task: Task,
    labels: list[str],
    unit: float,
    preprocessing: Preprocessing,
    variants: Mapping[Variant, Infer],
    folder: Path,
) -> None:
    """Write `probe.png` and `probe.json`.

    The expected answers are computed from the PNG's own bytes, the way a server gets them.

    Args:
        row: An example of the test split, with `image` and `label`.
        task: What the outputs mean.
        labels: Class names; empty for a regression.
        unit: What a tolerance of a value is told in, from `unit_of`.
        preprocessing: How an image becomes the model's input.
        variants: Inference of each exported file.
        folder: The bundle.
    """
    buffer = io.BytesIO()
    row["image"].convert("RGB").save(buffer, format="PNG")
    write_atomically(folder / PROBE_FILE, buffer.getvalue())
    image = to_array(decode_image(buffer.getvalue()), preprocessing)[None]
    outputs = {name: infer(image) for name, infer in variants.items()}
    truth = _truth(task, row["label"], labels)
    if task == "regression":
        values = {name: float(found[0, 0]) for name, found in outputs.items()}
        told = ProbeAnswers(label=truth, probabilities={}, values=values, tolerance=1e-3 * unit)
    else:
        shares = {name: tuple(probabilities(task, o)[0].tolist()) for name, o in outputs.items()}
        told = ProbeAnswers(label=truth, probabilities=shares)
    told.save(folder / PROBE_ANSWERS_FILE)


def _truth(task: Task, label: Any, labels: list[str]) -> str:
    if task == "regression":
        return f"{label:g}"
    if task == "multi_label":
        called = zip(labels, label, strict=True)
        return ", ".join(name for name, share in called if share >= LABEL_THRESHOLD)
    return labels[int(label)]
