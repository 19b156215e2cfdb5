"""The loop learns, repeats itself to the bit, keeps the best, and stops on what is no number."""

import dataclasses
from typing import Any

import pytest
import torch

from vitforge.artifacts import BackboneSpec, EpochRecord, Preprocessing
from vitforge.backbones import Backbone, build
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.errors import VitforgeError
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job
from vitforge.training.validation import validate

CPU = torch.device("cpu")


@pytest.fixture
def make_job(train: ImageSet, val: ImageSet, how: Preprocessing, recipe: FinetuningConfig) -> Any:
    def make(**changes: Any) -> Job:
        changed = recipe.model_copy(update=changes.pop("recipe", {}))
        settings: dict[str, Any] = {"strategy": "full", "epochs": 3, "seed": 0, **changes}
        return Job(train, val, 4, how, changed, **settings)

    return make


def fresh(spec: BackboneSpec) -> Backbone:
    torch.manual_seed(0)
    return build(spec, 4)


@pytest.mark.parametrize(
    ("strategy", "epochs", "rate"),
    [("full", 25, 3e-3), ("partial", 25, 3e-3), ("head", 60, 5e-2), ("lora", 25, 1e-2)],
)
def test_every_strategy_overfits_64_images(
    make_job: Any,
    tiny_spec: BackboneSpec,
    train: ImageSet,
    how: Preprocessing,
    strategy: str,
    epochs: int,
    rate: float,
) -> None:
    backbone = fresh(tiny_spec)
    before = {k: v.clone() for k, v in backbone.model.state_dict().items()}
    settings = {"learning_rate": rate, "drop_path": 0.0, "label_smoothing": 0.0}
    job = make_job(strategy=strategy, epochs=epochs, recipe=settings)
    fitted = fit(backbone, dataclasses.replace(job, val=None))
    assert validate(backbone, train, how, device=CPU).top1 == 1.0
    after = backbone.model.state_dict()
    assert list(after) == list(before)  # LoRA is merged, names are the library's
    moved = {k for k in after if not torch.equal(after[k], before[k])}
    if strategy == "head":
        assert moved == {"head.weight", "head.bias"}
    elif strategy == "partial":
        assert not any(k.startswith(("blocks.0", "patch_embed", "pos_", "cls")) for k in moved)
        assert any(k.startswith("blocks.1") for k in moved)
    elif strategy == "lora":
        # 2dr for a d-by-d matrix, r(d_in + d_out) in general, and the whole head
        per_block = 4 * ((32 + 96) + (32 + 32) + (32 + 128) + (128 + 32))
        assert fitted.trainable_parameters == 2 * per_block + 32 * 4 + 4
        assert "blocks.0.attn.qkv.weight" in moved and "blocks.0.norm1.weight" not in moved


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_same_seed_gives_the_same_bits(
    make_job: Any, tiny_spec: BackboneSpec, ema: float
) -> None:
    augmentation = AugmentationConfig(min_crop=0.5)
    changes = {"augmentation": augmentation, "drop_path": 0.3, "dropout": 0.1, "ema_decay": ema}

    def weights(seed: int) -> dict[str, torch.Tensor]:
        backbone = fresh(tiny_spec)
        fit(backbone, make_job(seed=seed, recipe=changes))
        return dict(backbone.model.state_dict())

    first, again, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not all(torch.equal(first[k], other[k]) for k in first)


def test_the_best_epoch_is_kept(
    make_job: Any, tiny_spec: BackboneSpec, val: ImageSet, how: Preprocessing
) -> None:
    # A learning rate that wrecks the model: the last epochs are worse than the best.
    backbone = fresh(tiny_spec)
    fitted = fit(backbone, make_job(epochs=8, recipe={"learning_rate": 0.2, "clip_norm": 0.0}))
    tops = [record.val_top1 for record in fitted.records]
    assert fitted.best_top1 == max(t for t in tops if t is not None)
    assert tops[fitted.best_epoch - 1] == fitted.best_top1
    assert validate(backbone, val, how, device=CPU).top1 == pytest.approx(fitted.best_top1)


def test_ema_is_what_is_saved(
    make_job: Any, tiny_spec: BackboneSpec, val: ImageSet, how: Preprocessing
) -> None:
    plain, averaged = fresh(tiny_spec), fresh(tiny_spec)
    fit(plain, make_job())
    fitted = fit(averaged, make_job(recipe={"ema_decay": 0.99}))
    assert not torch.equal(plain(torch.ones(1, 3, 16, 16)), averaged(torch.ones(1, 3, 16, 16)))
    assert validate(averaged, val, how, device=CPU).top1 == pytest.approx(fitted.best_top1)


def test_records_and_progress(make_job: Any, tiny_spec: BackboneSpec) -> None:
    steps: list[tuple[int, int, str]] = []
    epochs: list[EpochRecord] = []
    job = make_job(epochs=5, recipe={"validate_every": 2})
    fit(fresh(tiny_spec), job, lambda *told: steps.append(told), epochs.append)
    assert [s[0] for s in steps] == list(range(1, 21)) and {s[1] for s in steps} == {20}
    assert steps[-1][2].startswith("epoch 5/5 loss ") and "val top-1" in steps[-1][2]
    assert [e.val_top1 is not None for e in epochs] == [False, True, False, True, True]
    assert epochs[-1].learning_rate == pytest.approx(1e-6)
    assert all(e.images_per_second > 0 for e in epochs)


def test_patience_stops(make_job: Any, tiny_spec: BackboneSpec) -> None:
    job = make_job(epochs=30, recipe={"patience": 3, "learning_rate": 1e-6})
    fitted = fit(fresh(tiny_spec), job)
    assert len(fitted.records) < 30
    tops = [record.val_top1 or 0 for record in fitted.records]
    assert len(tops) - 3 == tops.index(max(tops)) + 1


def test_max_steps_ends_the_schedule_there(make_job: Any, tiny_spec: BackboneSpec) -> None:
    rates: list[EpochRecord] = []
    fit(fresh(tiny_spec), make_job(epochs=9, max_steps=6), on_epoch=rates.append)
    assert len(rates) == 2 and rates[-1].learning_rate == pytest.approx(1e-6)
    assert rates[-1].val_top1 is not None


def test_a_loss_that_is_no_number_names_step_and_images(
    make_job: Any, tiny_spec: BackboneSpec
) -> None:
    backbone = fresh(tiny_spec)
    with torch.no_grad():
        next(iter(backbone.head.parameters())).fill_(float("nan"))
    with pytest.raises(VitforgeError, match="step 1 of 12") as told:
        fit(backbone, make_job())
    assert told.value.where.count("image-0-") == 16
    assert "learning_rate" in told.value.mend


def test_too_many_frozen_blocks(make_job: Any, tiny_spec: BackboneSpec) -> None:
    with pytest.raises(VitforgeError, match="2 blocks"):
        fit(fresh(tiny_spec), make_job(strategy="partial", recipe={"frozen_blocks": 3}))


def test_weights_that_decay(tiny_spec: BackboneSpec) -> None:
    from vitforge.training.parameter_groups import parameter_groups

    backbone = fresh(tiny_spec)
    named = {id(p): name for name, p in backbone.model.named_parameters()}
    decayed, spared = parameter_groups(backbone, 0.05)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.05, 0.0)
    assert {named[id(p)].split(".")[-1] for p in decayed["params"]} == {"weight"}
    spared_names = {named[id(p)] for p in spared["params"]}
    assert {"cls_token", "pos_embed", "norm.weight", "head.bias"} <= spared_names
    assert len(decayed["params"]) + len(spared["params"]) == len(named)
