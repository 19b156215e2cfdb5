"""Two processes over Gloo take the steps that one process takes."""

import math
import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.errors import VitforgeError
from vitforge.training.distributed import ALONE, World, world
from vitforge.training.engine import Engine
from vitforge.training.feed import Batch
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.interruption import StopRequest
from vitforge.training.job import Job
from vitforge.training.keeping import Keeper
from vitforge.training.observers import Observer
from vitforge.training.snapshot import SnapshotStore

FORK = multiprocessing.get_context("fork")
MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(
    train: ImageSet, val: ImageSet, how: Preprocessing, recipe: FinetuningConfig
) -> MakeJob:
    """Augmented and mixed, but without dropout, which every process draws for itself."""
    changes = {
        "augmentation": AugmentationConfig(min_crop=0.5),
        "drop_path": 0.0,
        "ema_decay": 0.9,
        "class_weights": "balanced",
    }

    def make(at: World, **more: Any) -> Job:
        changed = recipe.model_copy(update={**changes, **more})
        return Job(train, val, 4, how, changed, "full", 3, seed=0, world=at)

    return make


def together(size: int, work: Callable[[World], None]) -> None:
    """Run `work` in forked processes that find each other as torchrun's do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(rank: int) -> None:
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
        os.environ |= {name: str(value) for name, value in place.items()}
        os.environ["MASTER_ADDR"] = "127.0.0.1"
        with world(torch.device("cpu")) as at:
            work(at)

    processes = [FORK.Process(target=run, args=(rank,)) for rank in range(size)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        process.kill()
    assert [process.exitcode for process in processes] == [0] * size


def trained(spec: BackboneSpec, job: Job, *observers: Observer) -> dict[str, Tensor]:
    torch.manual_seed(0)
    backbone = build(spec, 4)
    fit(backbone, job, observers=observers)
    return dict(backbone.model.state_dict())


@pytest.mark.parametrize("micro_batch", [0, 3])
def test_two_take_the_steps_of_one(
    tiny_spec: BackboneSpec, make_job: MakeJob, tmp_path: Path, micro_batch: int
) -> None:
    def work(at: World) -> None:
        weights = trained(tiny_spec, make_job(at, micro_batch=micro_batch))
        safetensors.torch.save_file(weights, tmp_path / f"{at.rank}.safetensors")

    together(2, work)
    first, second = (safetensors.torch.load_file(tmp_path / f"{n}.safetensors") for n in (0, 1))
    alone = trained(tiny_spec, make_job(ALONE))
    for name, wanted in alone.items():
        assert torch.equal(first[name], second[name])  # both to the bit
        if not name.endswith("qkv.bias"):  # the key bias has no gradient but rounding's
            # Sums in another order: 12 steps of AdamW at 3e-3 turn 1e-7 into less than 1e-4.
            torch.testing.assert_close(first[name], wanted, atol=1e-4, rtol=1e-3)


def test_a_loss_that_is_no_number_ends_both_at_the_same_step(
    tiny_spec: BackboneSpec, make_job: MakeJob
) -> None:
    class Wrecker(Observer):
        def on_step(self, engine: Engine, batch: Batch) -> None:
            if engine.step == 4 and not engine.job.world.is_first:
                with torch.no_grad():
                    engine.weights[0].fill_(math.nan)

    def work(at: World) -> None:
        with pytest.raises(VitforgeError, match="in step 5 of 12"):
            trained(tiny_spec, make_job(at), Wrecker())

    together(2, work)


def test_the_first_saves_and_all_stop(
    tiny_spec: BackboneSpec, make_job: MakeJob, tmp_path: Path
) -> None:
    """Only the second is asked to stop; both do, go on together, and end like the uninterrupted."""

    class Asked(Observer):
        def __init__(self, stop: StopRequest) -> None:
            self.stop = stop

        def on_gradients(self, engine: Engine, batch: Batch) -> None:
            if engine.step == 6 and not engine.job.world.is_first:
                self.stop.signal = 15

    def work(at: World) -> None:
        store, stop = SnapshotStore(tmp_path / "store"), StopRequest()
        keeper = Keeper(store, math.inf, stop, at, lambda _: None)
        with pytest.raises(VitforgeError, match="step 7 is saved"):
            trained(tiny_spec, make_job(at), Asked(stop), keeper)
        again = Keeper(store, math.inf, StopRequest(), at, lambda _: None)
        resumed = trained(tiny_spec, make_job(at), again)
        whole = trained(tiny_spec, make_job(at))
        assert all(torch.equal(resumed[name], whole[name]) for name in whole)

    together(2, work)
    assert [f.name for f in (tmp_path / "store").iterdir()] == ["step-000000007"]


@pytest.mark.parametrize("size", [1, 2, 4])
def test_shares_cover_a_batch_and_keep_mirrors_together(size: int) -> None:
    shares = [World(rank, size).share(16) for rank in range(size)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(16))
    assert all((share + share[::-1] == 15).all() for share in shares)


def test_a_batch_that_cannot_be_split() -> None:
    with pytest.raises(VitforgeError, match="among 3 processes") as told:
        World(0, 3).share(16)
    assert "multiple of 6" in told.value.mend
