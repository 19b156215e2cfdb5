"""The document's guide: more or less regularisation, by what is seen."""

from dataclasses import dataclass
from typing import Any

from vitforge.config import FinetuningConfig
from vitforge.errors import ConfigError

SMALL, LARGE = 10_000, 100_000
"""Training images under which data is small, and from which it is large."""
GAP = 0.10
"""Training accuracy above validation accuracy by this much is overfitting ("≫")."""
LOW = 0.70
"""Training accuracy under which an early plateau is underfitting."""


@dataclass(frozen=True)
class Advice:
    """One rule that fired."""

    saw: str
    changed: tuple[str, ...]
    """`key: old → new`; empty when the value was there already."""
    because: str


@dataclass(frozen=True)
class Signs:
    """What is known of the data and of a training so far."""

    images: int = 0
    """Training images; 0 = not told."""
    train_top1: float | None = None
    """Accuracy on training images, [0, 1], measured without augmentation."""
    val_top1: float | None = None
    """Accuracy on validation images, [0, 1]."""
    plateaued: bool = False
    """Whether both stopped rising early."""

    def __post_init__(self) -> None:
        for name, value in (("train_top1", self.train_top1), ("val_top1", self.val_top1)):
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(
                    f"{name} is {value:g}, not a share",
                    mend=f"type a number from 0 to 1 for {name}",
                )
        if (self.train_top1 is None) != (self.val_top1 is None):
            raise ConfigError(
                "one accuracy alone shows neither overfitting nor underfitting",
                mend="type both --train-top1 and --val-top1",
            )


def advise(recipe: FinetuningConfig, signs: Signs) -> tuple[FinetuningConfig, tuple[Advice, ...]]:
    """Change a recipe by the document's rules.

    Small data: dropout ≥ 0.3, label smoothing ≥ 0.2. Large data: dropout ≤ 0.1, label smoothing
    ≤ 0.05. Training accuracy ≫ validation accuracy: more regularisation. Both plateau early: less.
    What a training showed outweighs what the size of the data suggests, so it is applied last.

    Args:
        recipe: Where to start.
        signs: What was seen.

    Returns:
        The changed recipe and the rules that fired, in order; the same recipe when none did.
    """
    told: list[Advice] = []
    if 0 < signs.images < SMALL:
        recipe = _apply(
            recipe,
            {
                "dropout": max(recipe.dropout, 0.3),
                "label_smoothing": max(recipe.label_smoothing, 0.2),
            },
            f"small data: {signs.images} images, under {SMALL}",
            "few images are soon known by heart",
            told,
        )
    elif signs.images >= LARGE:
        recipe = _apply(
            recipe,
            {
                "dropout": min(recipe.dropout, 0.1),
                "label_smoothing": min(recipe.label_smoothing, 0.05),
            },
            f"large data: {signs.images} images, {LARGE} or more",
            "many images regularise by themselves",
            told,
        )
    if signs.train_top1 is not None and signs.val_top1 is not None:
        gap = signs.train_top1 - signs.val_top1
        seen = f"training {signs.train_top1:.1%}, validation {signs.val_top1:.1%}"
        if gap >= GAP:
            recipe = _apply(
                recipe,
                _more(recipe),
                f"overfitting: {seen}, {gap:.1%} apart",
                "the model knows its training images better than the task",
                told,
            )
        elif signs.plateaued and signs.train_top1 < LOW:
            recipe = _apply(
                recipe,
                _less(recipe),
                f"underfitting: {seen}, both level early",
                "the model is held back from fitting even what it sees",
                told,
            )
    return recipe, tuple(told)


def _more(recipe: FinetuningConfig) -> dict[str, float]:
    return {
        "dropout": min(0.5, recipe.dropout + 0.1),
        "drop_path": min(0.4, recipe.drop_path + 0.1),
        "label_smoothing": min(0.3, recipe.label_smoothing + 0.05),
        "weight_decay": min(0.3, max(recipe.weight_decay * 2, 0.05)),
    }


def _less(recipe: FinetuningConfig) -> dict[str, float]:
    return {
        "dropout": max(0.0, recipe.dropout - 0.1),
        "drop_path": max(0.0, recipe.drop_path - 0.1),
        "label_smoothing": max(0.0, recipe.label_smoothing - 0.05),
        "weight_decay": recipe.weight_decay / 2,
    }


def _apply(
    recipe: FinetuningConfig,
    values: dict[str, float],
    saw: str,
    because: str,
    told: list[Advice],
) -> FinetuningConfig:
    new: dict[str, Any] = {k: round(v, 6) for k, v in values.items() if v != getattr(recipe, k)}
    changed = tuple(f"{key}: {getattr(recipe, key):g} → {value:g}" for key, value in new.items())
    told.append(Advice(saw, changed, because))
    # Checked again, unlike model_copy: a rule must not leave the config's bounds.
    return FinetuningConfig.model_validate(recipe.model_dump() | new)
