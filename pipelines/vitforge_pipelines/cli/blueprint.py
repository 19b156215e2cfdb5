"""Backbones without weights, for commands that only compute with shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vitforge.backbones import Backbone
    from vitforge.config import Strategy

SizeOption = Annotated[str, typer.Option(help="A plain ViT: tiny, small, base, large or huge.")]
BackboneOption = Annotated[
    str, typer.Option(help="Any backbone, built without its weights: timm/NAME, transformers/NAME.")
]
ClassesOption = Annotated[int, typer.Option(help="Outputs of the head.")]


def builder(
    name: str,
    classes: int,
    image_size: int,
    strategy: Strategy = "full",
    frozen: int = 0,
    rank: int = 16,
) -> Callable[[], Backbone]:
    """How to build the backbone, its strategy set, without any weights."""
    from vitforge.backbones import build, resolve
    from vitforge.config import FinetuningConfig
    from vitforge.training.strategies import apply_strategy

    spec = resolve(name, pretrained=False)
    recipe = FinetuningConfig(frozen_blocks=frozen, lora_rank=rank)

    def make() -> Backbone:
        backbone = build(spec, classes, image_size)
        apply_strategy(backbone, strategy, recipe)
        return backbone

    return make


def on_meta(build: Callable[[], Backbone]) -> Backbone:
    """The backbone with shapes only, its image size checked against its patches."""
    import torch

    from vitforge.planning.geometry import check_image_size

    with torch.device("meta"):
        built = build()
    for module in built.modules():
        if isinstance(module, torch.nn.Conv2d) and module.stride == module.kernel_size:
            check_image_size(built.image_size, module.stride[0])
            break
    return built
