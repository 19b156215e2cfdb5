"""A training that is killed and gone on with ends in the same bits as one that was left alone."""

import math
import multiprocessing
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.errors import VitforgeError
from vitforge.training.distributed import ALONE
from vitforge.training.engine import Engine
from vitforge.training.feed import Batch
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.interruption import StopRequest, stop_requests
from vitforge.training.job import Fitted, Job
from vitforge.training.keeping import Keeper
from vitforge.training.observers import Observer
from vitforge.training.snapshot import SnapshotStore

STEPS_AN_EPOCH, EPOCHS = 4, 5
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def job(train: ImageSet, val: ImageSet, how: Preprocessing, recipe: FinetuningConfig) -> Job:
    """All that draws random numbers, and all that has a state."""
    changes = {
        "augmentation": AugmentationConfig(min_crop=0.5),  # mixup, CutMix, erasing, RandAugment
        "ema_decay": 0.9,
        "dropout": 0.2,
        "drop_path": 0.3,
        "l2_sp": 0.01,
        "validate_every": 2,
    }
    return Job(train, val, 4, how, recipe.model_copy(update=changes), "full", EPOCHS, seed=0)


class Killer(Observer):
    """Ends its process after a step, as the kernel does when memory runs out."""

    def __init__(self, at: int) -> None:
        self._at = at

    def on_step(self, engine: Engine, batch: Batch) -> None:
        if engine.step == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def go_on(
    spec: BackboneSpec, job: Job, folder: Path, *observers: Observer, steps: int = 3
) -> tuple[dict[str, Tensor], Fitted, list[str]]:
    torch.manual_seed(0)
    backbone, said = build(spec, 4), list[str]()
    store = SnapshotStore(folder)
    keeper = Keeper(store, math.inf, StopRequest(), ALONE, said.append, steps)
    fitted = fit(backbone, job, observers=(keeper, *observers))
    return backbone.model.state_dict(), fitted, said


def ends(work: Any) -> int:
    """Run in a process of its own; its exit code, negative for a signal."""
    process = FORK.Process(target=work)
    process.start()
    process.join(60)
    process.kill()
    code = process.exitcode
    assert code is not None
    return code


def test_killed_at_random_steps(tiny_spec: BackboneSpec, job: Job, tmp_path: Path) -> None:
    whole, alone, _ = go_on(tiny_spec, job, tmp_path / "whole")
    last = STEPS_AN_EPOCH * EPOCHS
    # Any step, the last of an epoch (before its validation), and the very last.
    kills = [*random.sample(range(2, last), 3), 2 * STEPS_AN_EPOCH, last]
    for at in sorted(kills):
        killer = Killer(at)
        code = ends(lambda killer=killer: go_on(tiny_spec, job, tmp_path / "killed", killer))
        assert code == -signal.SIGKILL, kills
    weights, fitted, said = go_on(tiny_spec, job, tmp_path / "killed")
    assert said == [f"goes on from step {last // 3 * 3}"]
    assert all(torch.equal(weights[name], whole[name]) for name in whole), kills
    left_out = {"images_per_second"}
    assert [r.model_dump(exclude=left_out) for r in fitted.records] == [
        r.model_dump(exclude=left_out) for r in alone.records
    ], kills
    assert (fitted.best_epoch, fitted.best_value) == (alone.best_epoch, alone.best_value)


def test_saved_after_the_last_step_and_before_its_validation(
    tiny_spec: BackboneSpec, job: Job, tmp_path: Path
) -> None:
    last = STEPS_AN_EPOCH * EPOCHS
    whole, alone, _ = go_on(tiny_spec, job, tmp_path / "whole")
    assert ends(lambda: go_on(tiny_spec, job, tmp_path / "a", Killer(last), steps=last)) < 0
    weights, fitted, said = go_on(tiny_spec, job, tmp_path / "a", steps=last)
    assert said == [f"goes on from step {last}"]
    assert len(fitted.records) == EPOCHS and fitted.best_epoch == alone.best_epoch
    assert all(torch.equal(weights[name], whole[name]) for name in whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_ends(
    tiny_spec: BackboneSpec, job: Job, tmp_path: Path, number: signal.Signals
) -> None:
    class Signalled(Observer):
        def on_gradients(self, engine: Engine, batch: Batch) -> None:
            if engine.step == 6:
                os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    store = SnapshotStore(tmp_path)
    torch.manual_seed(0)
    wanted = KeyboardInterrupt if number == signal.SIGINT else VitforgeError
    with stop_requests() as stop, pytest.raises(wanted) as told:
        keeper = Keeper(store, math.inf, stop, ALONE, lambda _: None)
        fit(build(tiny_spec, 4), job, observers=(Signalled(), keeper))
    if isinstance(told.value, VitforgeError):
        assert "step 7 is saved" in told.value.cause and "same command" in told.value.mend
    assert (store.load() or (0,))[0] == 7
    assert signal.getsignal(number) == before


def test_weights_that_are_no_numbers_are_not_saved(
    tiny_spec: BackboneSpec, job: Job, tmp_path: Path
) -> None:
    class Wrecker(Observer):
        def on_step(self, engine: Engine, batch: Batch) -> None:
            if engine.step == 6:
                with torch.no_grad():
                    engine.weights[0].fill_(math.nan)

    store = SnapshotStore(tmp_path)
    keeper = Keeper(store, math.inf, StopRequest(), ALONE, lambda _: None, 3)
    with pytest.raises(VitforgeError, match="became nan in step 7"):
        fit(build(tiny_spec, 4), job, observers=(Wrecker(), keeper))
    assert (store.load() or (0,))[0] == 3


def test_a_slow_disk_makes_snapshots_rarer(
    tiny_spec: BackboneSpec, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock goes on by 1 s a step and 2 s a snapshot: the next one is 200 s away, not 3."""
    now, saved = [0.0], list[int]()

    class Clock(Observer):
        def on_gradients(self, engine: Engine, batch: Batch) -> None:
            now[0] += 1

    def save(self: SnapshotStore, step: int, state: Any) -> Path:
        now[0] += 2
        saved.append(step)
        return self.folder

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(SnapshotStore, "save", save)
    keeper = Keeper(SnapshotStore(tmp_path), 3, StopRequest(), ALONE, lambda _: None)
    fit(build(tiny_spec, 4), job, observers=(Clock(), keeper))
    assert saved == [3]
