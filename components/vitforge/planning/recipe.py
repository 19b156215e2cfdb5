"""Recipes: a whole fine-tuning section, with the reasons for what it says."""

from dataclasses import dataclass
from typing import Any

from vitforge.config import AugmentationConfig, FinetuningConfig, PipelineConfig, Strategy, parse
from vitforge.errors import ConfigError
from vitforge.planning.base_rate import scale_base_rate
from vitforge.planning.presets import PRESETS, Preset

_FINE_TUNE = "DeiT III's fine-tuning (https://arxiv.org/abs/2204.07118) and timm's practice"
_GENTLE = {"randaugment_magnitude": 9, "min_crop": 0.35, "horizontal_flip": 0.5}


def _fine_tune(
    epochs: int, rate: float, warmup: float, tuning: dict[str, Any], augmentation: dict[str, Any]
) -> Preset:
    base: dict[str, Any] = {
        "learning_rate": rate,
        "min_learning_rate": rate / 100,
        "warmup_epochs": warmup,
        "weight_decay": 0.05,
        "clip_norm": 1.0,
        "label_smoothing": 0.1,
    }
    return Preset(_FINE_TUNE, epochs, 256, base | tuning, _GENTLE | augmentation)


BY_DATA: tuple[tuple[int, str, Strategy, Preset], ...] = (
    (
        1_000,
        "under 1,000 images: the features stay fixed and regularisation is strong",
        "head",
        _fine_tune(
            50,
            3e-4,
            5,
            {"dropout": 0.3, "label_smoothing": 0.2, "drop_path": 0.0},
            {"mixup": 0.2, "cutmix": 0.0, "erasing": 0.0},
        ),
    ),
    (
        10_000,
        "1,000 to 10,000 images: low-rank updates, strong regularisation",
        "lora",
        _fine_tune(
            50,
            1e-4,
            5,
            {"dropout": 0.3, "label_smoothing": 0.2, "drop_path": 0.1},
            {"mixup": 0.4, "cutmix": 0.5, "erasing": 0.1},
        ),
    ),
    (
        100_000,
        "10,000 to 100,000 images: every weight, at a small rate",
        "full",
        _fine_tune(
            30,
            1e-4,
            3,
            {"dropout": 0.1, "drop_path": 0.1},
            {"mixup": 0.8, "cutmix": 1.0, "erasing": 0.25},
        ),
    ),
    (
        2**62,
        "100,000 images or more: every weight, light regularisation, few epochs",
        "full",
        _fine_tune(
            20,
            2e-4,
            2,
            {"dropout": 0.1, "label_smoothing": 0.05, "drop_path": 0.1},
            {"mixup": 0.8, "cutmix": 1.0, "erasing": 0.25},
        ),
    ),
)
"""Fine-tuning by data size: (images below, why, strategy, preset)."""

NAMES = ("fine-tune", *PRESETS)


@dataclass(frozen=True)
class Recipe:
    """A recipe that the config accepts."""

    name: str
    source: str
    strategy: Strategy
    epochs: int
    finetuning: FinetuningConfig
    reasons: tuple[str, ...]
    beyond: tuple[str, ...]
    """What the source has and the config cannot say: left out."""

    def config(self) -> PipelineConfig:
        """The whole config with this recipe in it; other sections at their defaults."""
        return PipelineConfig(
            strategy=self.strategy, epochs=self.epochs, finetuning=self.finetuning
        )


def build_recipe(name: str = "fine-tune", batch: int = 64, images: int = 0) -> Recipe:
    """Build a recipe for a batch size and an amount of data.

    Args:
        name: One of `NAMES`. `fine-tune` starts from pretrained weights and depends on `images`;
            `deit`, `deit-document`, `deit3` and `augreg` train from scratch; `medical` fine-tunes.
        batch: Images an optimizer step; the learning rate follows it by the linear rule.
        images: Training images; needed by `fine-tune`.

    Raises:
        ConfigError: if the name is unknown, `batch` is under 1, or `fine-tune` lacks `images`.
    """
    strategy: Strategy = "full"
    reasons: list[str] = []
    if name == "fine-tune":
        if images < 1:
            raise ConfigError(
                "fine-tune depends on the number of training images",
                mend="type --images 5000, or take another recipe: " + ", ".join(PRESETS),
            )
        _, why, strategy, preset = next(row for row in BY_DATA if images < row[0])
        reasons.append(f"{images} images. {why}")
    elif name in PRESETS:
        preset = PRESETS[name]
    else:
        import difflib

        near = difflib.get_close_matches(name, NAMES, n=2, cutoff=0.4) or list(NAMES)
        raise ConfigError(f"no recipe is called {name!r}", mend=f"type {' or '.join(near)}")
    rate = scale_base_rate(
        preset.finetuning["learning_rate"], batch, preset.batch_size, strategy=strategy
    )
    values = preset.finetuning | {"learning_rate": min(rate.value, 1.0), "batch_size": batch}
    values["min_learning_rate"] = min(values["min_learning_rate"], values["learning_rate"] / 100)
    tuning = parse(
        FinetuningConfig,
        values | {"augmentation": AugmentationConfig(**preset.augmentation)},
        where=f"recipe {name}",
    )
    return Recipe(
        name,
        preset.source,
        strategy,
        preset.epochs,
        tuning,
        (*reasons, *rate.reasons),
        preset.beyond,
    )
