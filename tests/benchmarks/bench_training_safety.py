"""What watching and saving a training costs it, at a step of about 15 ms."""

import math
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from harness import keep

from vitforge.artifacts import BackboneSpec, DatasetInfo, ImageStatistics, Preprocessing
from vitforge.backbones import build
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.finetuning.telling import Teller
from vitforge.tracking import StepRun
from vitforge.training.distributed import ALONE
from vitforge.training.engine import Engine
from vitforge.training.feed import Batch
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.interruption import StopRequest
from vitforge.training.job import Job
from vitforge.training.keeping import Keeper
from vitforge.training.observers import Observer
from vitforge.training.snapshot import SnapshotStore
from vitforge.training.watching import Watcher

MODEL = {"img_size": 32, "patch_size": 8, "embed_dim": 96, "depth": 6, "num_heads": 3}
BATCH, STEPS_AN_EPOCH, EPOCHS, ROUNDS = 32, 50, 4, 1
GOAL = 0.03


class Timed(Observer):
    """Adds up the CPU time of other observers' calls."""

    def __init__(self, *inner: Observer) -> None:
        self._inner = inner
        self.seconds = 0.0

    def on_start(self, engine: Engine) -> None:
        for one in self._inner:
            one.on_start(engine)

    def on_gradients(self, engine: Engine, batch: Batch) -> None:
        began = time.process_time()
        for one in self._inner:
            one.on_gradients(engine, batch)
        self.seconds += time.process_time() - began

    def on_step(self, engine: Engine, batch: Batch) -> None:
        began = time.process_time()
        for one in self._inner:
            one.on_step(engine, batch)
        self.seconds += time.process_time() - began


def images(count: int) -> ImageSet:
    """Noise: what is learned does not matter."""
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8))
    ids = tuple(map(str, range(count)))
    return ImageSet(pixels, torch.from_numpy(rng.integers(0, 10, count)), ids)


def cpu_seconds(job: Job, *observers: Observer) -> float:
    """CPU time of a training's loop."""
    torch.manual_seed(0)
    spec = BackboneSpec(
        library="timm", name="vit_tiny_patch16_224", args=MODEL, pretrained=False, label="bench"
    )
    backbone = build(spec, job.classes)
    began = time.process_time()
    fit(backbone, job, observers=observers)
    return time.process_time() - began


def main() -> None:
    """Train bare and observed in turns; what is kept is the observers' own time over the rest."""
    torch.set_num_threads(1)
    how = Preprocessing(image_size=32, mean=(0.5,) * 3, std=(0.25,) * 3)
    plain = AugmentationConfig(
        randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
    )
    recipe = FinetuningConfig(batch_size=BATCH, device="cpu", augmentation=plain)
    job = Job(images(BATCH * STEPS_AN_EPOCH), None, 10, how, recipe, "full", EPOCHS, seed=0)
    statistics = ImageStatistics(mean=how.mean, std=how.std, median_width=32, median_height=32)
    info = DatasetInfo(
        name="noise",
        source="",
        classes=tuple(map(str, range(10))),
        sizes={},
        class_counts={},
        statistics=statistics,
        fingerprint="",
        seed=0,
    )
    bare, observed, spent = [], [], []
    for _ in range(ROUNDS):
        bare.append(cpu_seconds(job))
        with tempfile.TemporaryDirectory() as folder, StepRun("bench", Path(folder)) as run:
            teller = Teller(run, info, how)
            # A snapshot every two seconds, were it not for the limit on their share.
            store = SnapshotStore(Path(folder) / "snapshots")
            keeper = Keeper(store, 2.0, StopRequest(), ALONE, run.note)
            watcher = Watcher(recipe.watch_every, teller.pace, teller.flow, teller.batch)
            timed = Timed(keeper, watcher)
            observed.append(cpu_seconds(job, timed))
            spent.append(timed.seconds)
    share = sorted(s / (o - s) for s, o in zip(spent, observed, strict=True))[ROUNDS // 2]
    keep(
        "training_safety",
        ours=100 * share,
        peer=100 * GOAL,
        goal="snapshots, gradient flow and curves within 3 % at 15 ms a step",
        met=share <= GOAL,
        unit="% CPU time",
        peer_name="limit",
        step_ms=round(1000 * min(bare) / job.total_steps, 2),
        bare_seconds=[round(s, 2) for s in bare],
        observed_seconds=[round(s, 2) for s in observed],
        observers_seconds=[round(s, 3) for s in spent],
        looks=math.floor(job.total_steps / recipe.watch_every) + 6,
    )


if __name__ == "__main__":
    main()
