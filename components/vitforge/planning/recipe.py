"""Recipes: a whole fine-tuning section, with the reasons for what it says."""

from dataclasses import dataclass

from vitforge.config import AugmentationConfig, FinetuningConfig, PipelineConfig, Strategy, parse
from vitforge.errors import ConfigError
from vitforge.planning.base_rate import scale_base_rate
from vitforge.planning.presets import PRESETS
from vitforge.planning.presets_by_size import fine_tune_preset

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
        found = fine_tune_preset(images)
        strategy, preset = found.strategy, found.preset
        reasons.append(f"{images} images. {found.why}")
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
