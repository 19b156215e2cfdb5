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
from vitforge.export.baseline import softmax
from vitforge.export.runtime import Infer, Variant
from vitforge.preprocessing import decode_image, to_array


def write_probe(
    row: Mapping[str, Any],
    labels: list[str],
    preprocessing: Preprocessing,
    variants: Mapping[Variant, Infer],
    folder: Path,
) -> None:
    """Write `probe.png` and `probe.json`.

    The expected answers are computed from the PNG's own bytes, the way a server gets them.

    Args:
        row: An example of the test split, with `image` and `label`.
        labels: Class names.
        preprocessing: How an image becomes the model's input.
        variants: Inference of each exported file.
        folder: The bundle.
    """
    buffer = io.BytesIO()
    row["image"].convert("RGB").save(buffer, format="PNG")
    write_atomically(folder / PROBE_FILE, buffer.getvalue())
    image = to_array(decode_image(buffer.getvalue()), preprocessing)[None]
    ProbeAnswers(
        label=labels[int(row["label"])],
        probabilities={
            name: tuple(softmax(infer(image))[0].tolist()) for name, infer in variants.items()
        },
    ).save(folder / PROBE_ANSWERS_FILE)
