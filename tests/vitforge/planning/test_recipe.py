"""The document's and the papers' values, and the rules that change them."""

import pytest

from vitforge.config import FinetuningConfig
from vitforge.errors import ConfigError
from vitforge.planning.guide import Signs, advise
from vitforge.planning.presets import PRESETS
from vitforge.planning.recipe import build_recipe


def test_deit_as_published() -> None:
    made = build_recipe("deit", batch=1024)
    tuning, images = made.finetuning, made.finetuning.augmentation
    assert (images.randaugment_magnitude, images.mixup, images.cutmix) == (9, 0.8, 1.0)
    assert (images.erasing, tuning.weight_decay, tuning.label_smoothing) == (0.25, 0.05, 0.1)
    assert (tuning.beta1, tuning.beta2, tuning.drop_path) == (0.9, 0.999, 0.1)
    assert (made.epochs, tuning.warmup_epochs, tuning.dropout) == (300, 5, 0.0)
    assert tuning.learning_rate == pytest.approx(5e-4 * 1024 / 512)
    assert build_recipe("deit", 64).finetuning.learning_rate == pytest.approx(5e-4 * 64 / 512)


def test_the_document_differs_in_dropout_and_warmup_only() -> None:
    deit, document = (build_recipe(name).finetuning for name in ("deit", "deit-document"))
    assert document.dropout == 0.1
    assert document.warmup_epochs == 20
    assert document == deit.model_copy(update={"dropout": 0.1, "warmup_epochs": 20.0})


def test_medical_mixes_and_mirrors_nothing() -> None:
    made = build_recipe("medical", batch=256)
    images = made.finetuning.augmentation
    off = (images.mixup, images.cutmix, images.erasing, images.horizontal_flip)
    assert off == (0, 0, 0, 0)
    assert images.randaugment_magnitude == 6
    assert made.finetuning.learning_rate == pytest.approx(2.5e-4)
    assert made.epochs == 75
    assert any("layer-wise" in wish for wish in made.beyond)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("batch", [1, 64, 4096])
def test_every_preset_is_a_valid_config(name: str, batch: int) -> None:
    config = build_recipe(name, batch).config()
    assert config.finetuning.batch_size == batch
    assert config.finetuning.min_learning_rate <= config.finetuning.learning_rate


def test_fine_tuning_by_data_size() -> None:
    sizes = (200, 5_000, 50_000, 1_000_000)
    made = [build_recipe("fine-tune", 64, images) for images in sizes]
    assert [recipe.strategy for recipe in made] == ["head", "lora", "full", "full"]
    for recipe in made:
        assert recipe.config().epochs == recipe.epochs
    small, large = made[0].finetuning, made[-1].finetuning
    assert small.dropout >= 0.3
    assert small.label_smoothing >= 0.2
    assert large.dropout <= 0.1
    assert large.label_smoothing <= 0.05


@pytest.mark.parametrize(
    ("arguments", "cause", "mend"),
    [
        ({"name": "diet"}, "no recipe is called 'diet'", "deit"),
        ({"name": "fine-tune"}, "number of training images", "--images"),
        ({"name": "deit", "batch": 0}, "batch of 0", "1 or more"),
    ],
)
def test_refused(arguments, cause: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_recipe(**arguments)
    assert cause in caught.value.cause
    assert mend in caught.value.mend


BASE = FinetuningConfig(dropout=0.1, label_smoothing=0.1, drop_path=0.1)


def test_small_and_large_data() -> None:
    small, told = advise(BASE, Signs(images=500))
    assert (small.dropout, small.label_smoothing) == (0.3, 0.2)
    assert "500 images" in told[0].saw
    assert "dropout: 0.1 → 0.3" in told[0].changed
    large, _ = advise(BASE, Signs(images=500_000))
    assert (large.dropout, large.label_smoothing) == (0.1, 0.05)
    between, told = advise(BASE, Signs(images=50_000))
    assert between == BASE
    assert told == ()


def test_overfitting_asks_for_more_and_underfitting_for_less() -> None:
    more, told = advise(BASE, Signs(train_top1=0.99, val_top1=0.8))
    assert "overfitting" in told[0].saw
    less, told = advise(BASE, Signs(train_top1=0.5, val_top1=0.48, plateaued=True))
    assert "underfitting" in told[0].saw
    for key in ("dropout", "drop_path", "label_smoothing", "weight_decay"):
        assert getattr(less, key) < getattr(BASE, key) < getattr(more, key)


def test_a_training_that_is_well_is_left_alone() -> None:
    for signs in (
        Signs(train_top1=0.9, val_top1=0.85),
        Signs(train_top1=0.95, val_top1=0.9, plateaued=True),
    ):
        assert advise(BASE, signs) == (BASE, ())


def test_rules_stay_within_the_configs_bounds() -> None:
    recipe = FinetuningConfig(dropout=0.5, label_smoothing=0.3, drop_path=0.4, weight_decay=0.3)
    assert advise(recipe, Signs(train_top1=1.0, val_top1=0.0))[0] == recipe


@pytest.mark.parametrize("values", [{"train_top1": 0.9}, {"train_top1": 90.0, "val_top1": 0.1}])
def test_signs_that_show_nothing(values) -> None:
    with pytest.raises(ConfigError, match="type"):
        Signs(**values)
