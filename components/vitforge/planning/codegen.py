"""One standalone training script, for people who want to leave with the code."""

import functools
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal

from vitforge.artifacts import BackboneSpec
from vitforge.config import FinetuningConfig, Strategy
from vitforge.errors import ConfigError
from vitforge.planning.batch import check_batch
from vitforge.planning.memory import Precision

Task = Literal["single-label", "multi-label", "regression"]
WRITTEN: tuple[Strategy, ...] = ("full", "partial", "head", "lora")
"""Strategies that the script knows."""


@dataclass(frozen=True)
class ScriptOptions:
    """What the script shall do."""

    backbone: BackboneSpec
    task: Task = "single-label"
    """`single-label`: softmax and cross entropy; `multi-label`: sigmoid and binary cross entropy;
    `regression`: squared error."""
    strategy: Strategy = "full"
    recipe: FinetuningConfig = field(default_factory=FinetuningConfig)
    epochs: int = 10
    seed: int = 0
    image_size: int = 0
    """Pixels; 0 takes the backbone's own."""
    precision: Precision = "fp32"
    checkpointing: bool = False
    accumulation: int = 1
    """Forward passes an optimizer step; the recipe's batch size is one pass."""
    compile: bool = False


@dataclass(frozen=True)
class Script:
    """The code, and what of the recipe is not in it."""

    text: str
    left_out: tuple[str, ...]


def generate(options: ScriptOptions) -> Script:
    """Write a training script that needs torch, timm or transformers, peft for LoRA, and nothing
    else: no vitforge.

    Args:
        options: What it shall do.

    Raises:
        ConfigError: if the options contradict themselves.
    """
    recipe = options.recipe
    if options.strategy not in WRITTEN:
        raise ConfigError(
            f"a script cannot say strategy {options.strategy} yet",
            mend=f"type --strategy {', '.join(WRITTEN[:-1])} or {WRITTEN[-1]}",
        )
    if options.epochs < 1 or options.accumulation < 1:
        raise ConfigError("epochs and accumulation start at 1", mend="type --epochs 10")
    check_batch(recipe.batch_size)
    if recipe.warmup_epochs >= options.epochs:
        raise ConfigError(
            f"a warm-up of {recipe.warmup_epochs:g} epochs is not shorter than {options.epochs}",
            mend=f"type --warmup-epochs {options.epochs / 10:g}",
        )
    if options.strategy == "partial" and recipe.frozen_blocks < 1:
        raise ConfigError("strategy partial freezes no block", mend="type --frozen-blocks 7")
    text: str = _template().render(
        o=options,
        r=recipe,
        a=recipe.augmentation,
        timm=options.backbone.library == "timm",
        single=options.task == "single-label",
        multi=options.task == "multi-label",
        regression=options.task == "regression",
        lora=options.strategy == "lora",
        mixup=recipe.augmentation.mixup if options.task != "regression" else 0.0,
    )
    return Script(text, _left_out(options))


@functools.cache
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    source = resources.files(__package__).joinpath("train.py.j2").read_text(encoding="utf-8")
    return environment.from_string(source)


def _left_out(options: ScriptOptions) -> tuple[str, ...]:
    recipe, images = options.recipe, options.recipe.augmentation
    told = {
        "RandAugment": images.randaugment_ops > 0,
        "CutMix": images.cutmix > 0,
        "random erasing": images.erasing > 0,
        "the weights' moving average (EMA)": recipe.ema_decay > 0,
        "stopping early (patience)": recipe.patience > 0,
        "dropout before the head": recipe.dropout > 0,
        "drop path, which transformers' ViT lacks": (
            options.backbone.library == "transformers" and recipe.drop_path > 0
        ),
    }
    return tuple(name for name, wanted in told.items() if wanted)
