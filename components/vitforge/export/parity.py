"""Whether the exported files answer as the trained model does."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import MetricRow, VariantParity
from vitforge.config import ExportConfig
from vitforge.config.data import Task
from vitforge.export.agreement import answers, right_answers, score_row, unit_of
from vitforge.export.runtime import Infer, Variant

INVARIANCE_IMAGES = 64
"""Images that are also answered one by one."""
SCORE_NAMES = {"top1": "top-1", "auroc": "the labels' mean AUROC", "r2": "R²"}


def judge_variant(
    variant: Variant,
    path: Path,
    *,
    outputs: NDArray[np.float32],
    reference: NDArray[np.float32],
    labels: NDArray[Any],
    task: Task,
    batch_invariant: bool,
    config: ExportConfig,
) -> VariantParity:
    """Hold one file's answers against the trained model's.

    Args:
        variant: FP32 is judged on its outputs, INT8 on its score; both on batch invariance.
        path: The ONNX file.
        outputs: Its answers, shape (N, O).
        reference: The trained model's, shape (N, O).
        labels: The truth, as the test split holds it.
        task: What the outputs mean.
        batch_invariant: Whether its answers depend on the image alone.
        config: The limits.
    """
    content = path.read_bytes()
    finite = bool(np.isfinite(outputs).all())
    told = outputs if finite else np.nan_to_num(outputs)
    score, before = score_row(task, told, labels), score_row(task, reference, labels)
    error = float(np.abs(outputs - reference).max()) / unit_of(task, labels)
    reason = ""
    if not finite:
        reason, error = "its outputs are not all finite", float("inf")
    elif not batch_invariant:
        reason = "an image's answer depends on the other images in its batch"
    elif variant == "fp32" and error > config.max_error:
        unit = " standard deviations of the target" if task == "regression" else ""
        reason = f"outputs differ by {error:.2g}{unit}, over export.max_error {config.max_error:g}"
    elif variant == "int8":
        reason = _lost_too_much(before, score, config.int8_max_drop)
    flips = answers(task, told) != answers(task, reference)
    changed = {} if task == "regression" else _changed(task, told, reference, labels)
    return VariantParity(
        variant=variant,
        file=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        top1=score,
        reference_top1=before,
        max_error=error,
        flips=int(flips.sum()),
        label_flips=tuple(flips.sum(axis=0).tolist()) if task == "multi_label" else (),
        accepted=not reason,
        reason=reason,
        **changed,
    )


def _lost_too_much(before: MetricRow, after: MetricRow, limit: float) -> str:
    drop = before.value - after.value
    name = SCORE_NAMES[after.name]
    if math.isnan(drop):
        return f"{name} is not defined on the test images, so what it loses cannot be told"
    if drop > limit + 1e-9:  # 1 - 0.99 > 0.01
        return f"{name} falls by {drop:.4f} (n={after.n}), over export.int8_max_drop {limit:g}"
    return ""


def _changed(
    task: Task, outputs: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[Any]
) -> dict[str, int]:
    right, was_right = right_answers(task, outputs, labels), right_answers(task, reference, labels)
    return {"lost": int((was_right & ~right).sum()), "gained": int((right & ~was_right).sum())}


def is_batch_invariant(
    infer: Infer, images: NDArray[np.float32], task: Task, tolerance: float
) -> bool:
    """Whether images get the same answers together and one by one.

    Args:
        infer: The file's inference.
        images: Shape (N, 3, H, W).
        task: What the outputs mean.
        tolerance: By which a regression's value may move, in the target's unit.
    """
    together = infer(images)
    alone = np.concatenate([infer(images[i : i + 1]) for i in range(len(images))])
    if task == "regression":
        return bool(np.abs(together - alone).max() <= tolerance)
    return bool((answers(task, together) == answers(task, alone)).all())


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
