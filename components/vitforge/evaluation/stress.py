"""The images that are put under stress, and the model's answers to them.

Corruptions act where ImageNet-C's do: on the 8-bit picture as the model is to see it, after
resizing and before normalisation. Shapes: N images, O outputs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import TEST, MetricRow, Preprocessing
from vitforge.config.data import Task
from vitforge.evaluation.evaluator import EVERY_TASK, Context
from vitforge.evaluation.trained import Trained
from vitforge.preprocessing import resize_image
from vitforge.splits import open_split
from vitforge.statistics import Dense, Draws, column_means, percentile_interval, proportion_interval
from vitforge.tasks import probabilities


@dataclass(frozen=True)
class StressSet:
    """Test images at the model's size."""

    pixels: NDArray[np.uint8]
    """Shape (N, H, W, 3)."""
    labels: NDArray[Any]
    places: NDArray[np.int64]
    """Rows of the test split."""


def stress_set(context: Context, count: int) -> StressSet:
    """Draw `count` test images, or take all if there are fewer; the same ones for every caller."""
    order = np.random.default_rng(context.seed).permutation(context.found.n)
    return images_at(context, np.sort(order[:count]))


def images_at(context: Context, places: NDArray[np.int64]) -> StressSet:
    """The test images in these rows of the split, one or more."""
    split = open_split(context.dataset, TEST, EVERY_TASK)
    how = context.trained.preprocessing
    images = [np.asarray(resize_image(split[int(i)]["image"], how)) for i in places]
    return StressSet(np.stack(images), context.found.labels[places], places)


def to_input(pixels_NHWC: NDArray[np.uint8], how: Preprocessing) -> NDArray[np.float32]:
    """Normalise pictures that have the model's size already, as `to_array` does."""
    mean, std = np.asarray(how.mean, np.float32), np.asarray(how.std, np.float32)
    scaled = (pixels_NHWC.astype(np.float32) / 255 - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def answer(
    trained: Trained, pixels_NHWC: NDArray[np.uint8], batch_size: int
) -> NDArray[np.float32]:
    """Raw outputs of shape (N, O)."""
    import torch

    outputs = []
    with torch.inference_mode():
        for start in range(0, len(pixels_NHWC), batch_size):
            batch = to_input(pixels_NHWC[start : start + batch_size], trained.preprocessing)
            found = trained.backbone(torch.from_numpy(batch).to(trained.device))
            outputs.append(found.float().cpu().numpy())
    return np.concatenate(outputs)


def score(task: Task, outputs_NO: NDArray[np.float32], labels: NDArray[Any]) -> NDArray[np.float32]:
    """How right each answer is: 0 or 1; of a multi-label task the share of labels told rightly.

    Raises:
        ValueError: for a regression.
    """
    p = probabilities(task, outputs_NO)
    if task == "multi_label":
        told = np.where(np.isnan(labels), np.nan, (p >= 0.5) == (labels >= 0.5))
        return np.asarray(np.nan_to_num(np.nanmean(told, axis=1), nan=1.0), np.float32)
    if task == "ordinal":
        return np.asarray((p.cumsum(1) < 0.5).sum(1) == labels, dtype=np.float32)
    return np.asarray(p.argmax(1) == labels, dtype=np.float32)


def share_row(
    name: str, values_N: NDArray[Any], slice_: str, context: Context, note: str = ""
) -> MetricRow:
    """A row of a mean of values in [0, 1]: Wilson's interval of 0s and 1s, else the bootstrap."""
    n, level = len(values_N), context.config.confidence_level
    values = np.asarray(values_N, dtype=np.float32)
    how = "Wilson score interval"
    low: float | None
    high: float | None
    if np.isin(values, (0, 1)).all():
        low, high = proportion_interval(int(values.sum()), n, level)
    else:
        low, high, how = None, None, "no interval: evaluation.bootstrap is 0"
        if context.config.bootstrap:
            drawn = Draws(n, context.config.bootstrap, context.seed).means(Dense(values[:, None]))
            low, high = percentile_interval(drawn[:, 0], level)
            how = "bootstrap percentile"
    return MetricRow(
        name=name, value=float(values.mean()), low=low, high=high, n=n, slice=slice_,
        note=f"{note}; {how}" if note else how,
    )  # fmt: skip


def drop_rows(
    name: str,
    clean_N: NDArray[np.float32],
    worse: dict[str, NDArray[np.float32]],
    context: Context,
    note: str,
) -> list[MetricRow]:
    """Relative drop of the mean, 1 - worse / clean, on the same images; paired bootstrap.

    Args:
        name: Of the rows.
        clean_N: Scores of the clean images.
        worse: Scores of the same images under each condition, by slice.
        context: Level, resamples and seed.
        note: What is compared.
    """
    if not clean_N.any():
        return []
    stacked = Dense(np.stack([clean_N, *worse.values()], axis=1))
    means = column_means(stacked)
    resamples, level = context.config.bootstrap, context.config.confidence_level
    drawn = Draws(len(clean_N), resamples, context.seed).means(stacked) if resamples else None
    rows = []
    for k, slice_ in enumerate(worse, 1):
        low = high = None
        if drawn is not None:
            safe = np.maximum(drawn[:, 0], 1e-9)
            low, high = percentile_interval(1 - drawn[:, k] / safe, level)
        rows.append(
            MetricRow(
                name=name,
                value=float(1 - means[k] / means[0]),
                low=low,
                high=high,
                n=len(clean_N),
                slice=slice_,
                note=f"{note}; paired bootstrap percentile",
            )
        )
    return rows
