"""Every clean metric with 1,000 resamples, alone and paired, at 10,000 images of 100 classes."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy: CPU seconds, not wall clock

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from harness import keep

from vitforge.artifacts import DatasetInfo, ImageStatistics
from vitforge.config import EvaluationConfig
from vitforge.evaluation.evaluate import measure
from vitforge.evaluation.evaluator import Context
from vitforge.metrics.families import paired_differences
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import Draws

IMAGES, CLASSES, RESAMPLES, LIMIT = 10_000, 100, 1_000, 3.0


def predictions(seed: int) -> Predictions:
    """A model that is right about three times in four, on the same images for every seed."""
    labels = np.random.default_rng(0).integers(0, CLASSES, IMAGES)
    logits = np.random.default_rng(seed).normal(0, 1, (IMAGES, CLASSES)).astype(np.float32)
    logits[np.arange(IMAGES), labels] += 3.2
    return Predictions.of(tuple(str(i) for i in range(IMAGES)), labels, 3 * logits)


def torchmetrics_ece_seconds(found: Predictions, resamples: int) -> float:
    """CPU seconds of one bootstrapped metric, the calibration error, in torchmetrics."""
    from torchmetrics.classification import MulticlassCalibrationError
    from torchmetrics.wrappers import BootStrapper

    metric = BootStrapper(
        MulticlassCalibrationError(CLASSES, n_bins=15), resamples, sampling_strategy="multinomial"
    )
    probabilities = torch.from_numpy(found.probabilities.astype(np.float32))
    began = time.process_time()
    metric.update(probabilities, torch.from_numpy(found.labels))
    metric.compute()
    return time.process_time() - began


def main() -> None:
    """Measure and keep."""
    torch.set_num_threads(1)
    ours, theirs = predictions(1), predictions(2)
    info = DatasetInfo(
        name="made up",
        source="",
        classes=tuple(f"c{i}" for i in range(CLASSES)),
        sizes={},
        class_counts={},
        statistics=ImageStatistics(
            mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2), median_width=1, median_height=1
        ),
        fingerprint="",
        seed=0,
    )
    config = EvaluationConfig(bootstrap=RESAMPLES)
    with TemporaryDirectory() as folder:
        context = Context(ours, info, config, 0, Path(folder), Path(folder))
        began = time.process_time()
        metrics = measure(context).metrics
        alone = time.process_time() - began
    began = time.process_time()
    paired = paired_differences(ours, theirs, Draws(IMAGES, RESAMPLES, 0), 0.95)
    against = time.process_time() - began
    share = 50
    peer = torchmetrics_ece_seconds(ours, share) * RESAMPLES / share
    seconds = alone + against
    keep(
        "evaluation_clean",
        ours=seconds,
        peer=LIMIT,
        goal="under 3 s of CPU",
        met=seconds < LIMIT,
        unit="s",
        peer_name="limit",
        images=IMAGES,
        classes=CLASSES,
        resamples=RESAMPLES,
        rows=len(metrics.rows),
        rows_paired=len(paired),
        seconds_alone=round(alone, 3),
        seconds_paired=round(against, 3),
        torchmetrics_bootstrapper_ece_alone_seconds=round(peer, 2),
        torchmetrics_resamples_timed=share,
    )


if __name__ == "__main__":
    main()
