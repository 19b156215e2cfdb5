"""What the training will hold and compute, before it is begun."""

from collections.abc import Callable

import torch

from vitforge.artifacts import TRAIN, BackboneSpec, DatasetInfo
from vitforge.backbones import Backbone, build
from vitforge.config import FinetuningConfig, Strategy
from vitforge.planning.flops import count_forward_flops
from vitforge.planning.memory_measured import TrainingStep, measure_peak
from vitforge.planning.speed import training_passes
from vitforge.training.hardware import choose_device, choose_precision
from vitforge.training.strategies import apply_strategy

MIB = 2**20


def predicted_mib(
    spec: BackboneSpec, image_size: int, info: DatasetInfo, recipe: FinetuningConfig, how: Strategy
) -> float:
    """Most that tensors hold at once while `spec` is trained, MiB, by steps on fake tensors.

    To a step's own peak comes what the engine keeps through a training: the best epoch's copy of
    the trained weights and, where it is on, their moving average.

    Args:
        spec: Built on random weights; none are loaded.
        image_size: Height and width of the input, pixels.
        info: Holds the classes and the number of training images.
        recipe: Settings of the training.
        how: Which weights it trains.

    Raises:
        VitforgeError: if the backbone cannot be trained so.
    """
    build_trained = _builder(spec, image_size, info, recipe, how)
    step = TrainingStep(
        batch=min(recipe.batch_size, info.sizes[TRAIN]),
        image_size=image_size,
        precision=choose_precision(recipe.precision, choose_device(recipe.device)),
    )
    found = measure_peak(build_trained, step)
    copies = 1 + bool(recipe.ema_decay)
    return (found.peak + copies * found.gradients) / MIB


def training_gflops(
    spec: BackboneSpec, image_size: int, info: DatasetInfo, recipe: FinetuningConfig, how: Strategy
) -> float:
    """Work of a training step an image, 10^9 multiplications and additions.

    Args:
        spec: Built on random weights; none are loaded.
        image_size: Height and width of the input, pixels.
        info: Holds the classes.
        recipe: Settings of the training.
        how: Which weights it trains.
    """
    build_trained = _builder(spec, image_size, info, recipe, how)
    with torch.device("meta"):
        depth = max(1, len(build_trained().blocks))
    passes = training_passes(how, depth, recipe.frozen_blocks)
    return count_forward_flops(build_trained, image_size) * passes / 1e9


def _builder(
    spec: BackboneSpec, image_size: int, info: DatasetInfo, recipe: FinetuningConfig, how: Strategy
) -> Callable[[], Backbone]:
    """Makes the backbone as it will be trained, without its weights."""
    scratch = spec.model_copy(update={"pretrained": False})

    def build_trained() -> Backbone:
        backbone = build(scratch, len(info.classes), image_size if "img_size" in spec.args else 0)
        apply_strategy(backbone, how, recipe)
        return backbone

    return build_trained
