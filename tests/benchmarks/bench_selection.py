"""`select_model` over five small candidates and 1,000 images of 32 pixels, in under a minute.

The candidates are ViTs with weights of their own, written as folders: frozen features, kNN,
linear probe, LogME for all, a short fine-tune of two. Cost must grow no faster than in line with
images and with candidates, with the fine-tune and without.
"""

import math
import os
import tempfile
import time
from pathlib import Path

# As in the runner, and before torch starts OpenMP: a waiting thread sleeps.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import datasets
import numpy as np
import timm
import torch
from harness import keep
from PIL import Image
from timm.models import save_for_hf

from vitforge.artifacts import DatasetInfo, ImageStatistics
from vitforge.config import Candidate, FinetuningConfig, SelectionConfig
from vitforge.selection.select import select
from vitforge.tracking import StepRun

LIMIT = 60.0
STEEPEST = 1.15
"""Exponent that still counts as linear: timings scatter."""
IMAGES, PIXELS, CLASSES, WIDTHS = 1000, 32, 10, (32, 48, 64, 80, 96)
CORES = 2


def write_data(folder: Path) -> Path:
    """A dataset artifact: noise with one bright spot, whose place is the class."""
    rng = np.random.default_rng(0)
    sizes = {"train": IMAGES, "val": 50, "test": 50, "calibration": 50}
    for split, size in sizes.items():
        labels = np.arange(size) % CLASSES
        pixels = rng.integers(0, 160, (size, PIXELS, PIXELS, 3), dtype=np.uint8)
        for at, label in enumerate(labels):
            pixels[at, 3 * label : 3 * label + 4, 10:22] = 255
        content = {
            "image": [Image.fromarray(one) for one in pixels],
            "label": labels.tolist(),
            "id": [f"{split}-{at}" for at in range(size)],
        }
        features = datasets.Features(
            {
                "image": datasets.Image(),
                "label": datasets.Value("int64"),
                "id": datasets.Value("string"),
            }
        )
        datasets.Dataset.from_dict(content, features=features).save_to_disk(str(folder / split))
    DatasetInfo(
        name="spots",
        source="made by the benchmark",
        classes=tuple(str(k) for k in range(CLASSES)),
        sizes=sizes,
        class_counts={
            split: (sizes[split] // CLASSES,) * CLASSES for split in ("train", "val", "test")
        },
        statistics=ImageStatistics(
            mean=(0.35,) * 3, std=(0.2,) * 3, median_width=PIXELS, median_height=PIXELS
        ),
        fingerprint="0" * 64,
        seed=0,
    ).save(folder / "dataset.json")
    return folder


def write_candidates(folder: Path) -> tuple[Candidate, ...]:
    """Five ViTs of 65 tokens and four blocks, of growing width."""
    found = []
    for width in WIDTHS:
        args = {
            "img_size": PIXELS,
            "patch_size": 4,
            "embed_dim": width,
            "depth": 4,
            "num_heads": width // 16,
        }
        torch.manual_seed(0)
        model = timm.create_model("vit_tiny_patch16_224", num_classes=CLASSES, **args)
        where = folder / f"vit-{width}"
        save_for_hf(model, where, model_args=args, safe_serialization=True)
        found.append(Candidate(backbone=str(where), label=where.name))
    return tuple(found)


def seconds(data: Path, candidates: tuple[Candidate, ...], images: int, steps: int) -> float:
    """One whole selection."""
    with tempfile.TemporaryDirectory() as folder, StepRun("select", Path(folder) / "spool") as run:
        began = time.perf_counter()
        select(
            data,
            backbone="",
            strategy="full",
            epochs=10,
            seed=0,
            config=SelectionConfig(candidates=candidates, sample_images=images, trial_steps=steps),
            recipe=FinetuningConfig(device="cpu"),
            out=Path(folder) / "plan",
            run=run,
        )
        return time.perf_counter() - began


def exponent(counts: list[int], times: list[float]) -> float:
    """Slope of log time over log count, by least squares."""
    slope, _ = np.polyfit([math.log(n) for n in counts], [math.log(t) for t in times], 1)
    return float(slope)


def told(counts: list[int], times: list[float]) -> dict[str, float]:
    """Seconds by count."""
    return {str(n): round(t, 2) for n, t in zip(counts, times, strict=True)}


def main() -> None:
    """Measure and keep."""
    torch.set_num_threads(CORES)
    with tempfile.TemporaryDirectory() as folder:
        data = write_data(Path(folder) / "data")
        candidates = write_candidates(Path(folder))
        seconds(data, candidates[:1], 100, 0)  # imports and first allocations
        steps = SelectionConfig().trial_steps
        whole = seconds(data, candidates, IMAGES, steps)
        images = [250, 500, 1000]
        by_images = [seconds(data, candidates, n, 0) for n in images]
        tuned_by_images = [*(seconds(data, candidates, n, steps) for n in images[:-1]), whole]
        # Alike in size, so that their number alone grows.
        counts = [1, 2, 4]
        middle = candidates[2]
        alike = tuple(middle.model_copy(update={"label": f"vit-{at}"}) for at in range(4))
        by_count = [seconds(data, alike[:n], IMAGES, 0) for n in counts]
        # One fine-tune for one candidate, two for all others.
        tuned_by_count = [seconds(data, alike[:n], IMAGES, steps) for n in counts]
    growth = {
        "images": exponent(images, by_images),
        "images, with the fine-tune": exponent(images, tuned_by_images),
        "candidates": exponent(counts, by_count),
        "candidates, with the fine-tune": exponent(counts, tuned_by_count),
    }
    keep(
        "selection_seconds",
        ours=whole,
        peer=LIMIT,
        goal="under 60 s",
        met=whole < LIMIT,
        unit="s",
        peer_name="limit",
        candidates=len(WIDTHS),
        images=IMAGES,
        pixels=PIXELS,
        threads=CORES,
    )
    keep(
        "selection_growth",
        ours=max(growth.values()),
        peer=STEEPEST,
        goal="time ~ count^a with a <= 1.15, for images and for candidates",
        met=max(growth.values()) <= STEEPEST,
        unit="exponent",
        peer_name="limit",
        exponents={name: round(value, 3) for name, value in growth.items()},
        seconds_by_images=told(images, by_images),
        tuned_by_images=told(images, tuned_by_images),
        seconds_by_candidates=told(counts, by_count),
        tuned_by_candidates=told(counts, tuned_by_count),
    )


if __name__ == "__main__":
    main()
