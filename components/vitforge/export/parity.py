"""Whether the exported files answer as the trained model does."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow, VariantParity
from vitforge.config import ExportConfig
from vitforge.export.runtime import Infer, Variant
from vitforge.statistics import wilson

INVARIANCE_IMAGES = 64
"""Images that are also answered one by one."""


def judge_variant(
    variant: Variant,
    path: Path,
    *,
    logits: NDArray[np.float32],
    reference: NDArray[np.float32],
    labels: NDArray[np.int64],
    batch_invariant: bool,
    config: ExportConfig,
) -> VariantParity:
    """Hold one file's answers against the trained model's.

    Args:
        variant: FP32 is judged on its logits, INT8 on its top-1; both on batch invariance.
        path: The ONNX file.
        logits: Its answers, shape (N, C).
        reference: The trained model's answers, shape (N, C).
        labels: True classes, shape (N,).
        batch_invariant: Whether its answers depend on the image alone.
        config: The limits.
    """
    content = path.read_bytes()
    right, was_right = logits.argmax(1) == labels, reference.argmax(1) == labels
    top1 = top1_row(logits, labels)
    reference_top1 = top1_row(reference, labels)
    max_error = float(np.abs(logits - reference).max())
    drop = reference_top1.value - top1.value
    reason = ""
    if not np.isfinite(logits).all():
        reason, max_error = "its logits are not all finite", float("inf")
    elif not batch_invariant:
        reason = "an image's class depends on the other images in its batch"
    elif variant == "fp32" and max_error > config.max_error:
        reason = f"logits differ by {max_error:.2g}, over export.max_error {config.max_error:g}"
    elif variant == "int8" and drop > config.int8_max_drop + 1e-9:  # 1 - 0.99 > 0.01
        reason = (
            f"top-1 falls by {drop:.4f} (n={top1.n}), "
            f"over export.int8_max_drop {config.int8_max_drop:g}"
        )
    return VariantParity(
        variant=variant,
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        top1=top1,
        reference_top1=reference_top1,
        max_error=max_error,
        flips=int((logits.argmax(1) != reference.argmax(1)).sum()),
        lost=int((was_right & ~right).sum()),
        gained=int((right & ~was_right).sum()),
        accepted=not reason,
        reason=reason,
    )


def top1_row(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> MetricRow:
    """Top-1 accuracy with its interval."""
    right, n = int((logits.argmax(1) == labels).sum()), len(labels)
    low, high = wilson(right, n)
    return MetricRow(name="top1", value=right / n, low=low, high=high, n=n, note="Wilson, 95 %")


def is_batch_invariant(infer: Infer, images: NDArray[np.float32]) -> bool:
    """Whether images get the same classes together and one by one.

    Args:
        infer: The file's inference.
        images: Shape (N, 3, H, W).
    """
    together = infer(images).argmax(1)
    alone = np.concatenate([infer(images[i : i + 1]) for i in range(len(images))]).argmax(1)
    return bool((together == alone).all())


def fastest_accepted(
    parities: tuple[VariantParity, ...], p50: Mapping[str, float]
) -> Variant | Literal[""]:
    """The variant to serve by default.

    INT8 must be at least a tenth faster than FP32: a smaller gain is within the noise of a
    measurement, and INT8 costs accuracy.

    Args:
        parities: The judged variants.
        p50: Median milliseconds of each variant.
    """
    accepted = {parity.variant for parity in parities if parity.accepted}
    if "int8" in accepted and ("fp32" not in accepted or p50["int8"] < 0.9 * p50["fp32"]):
        return "int8"
    return "fp32" if "fp32" in accepted else ""
