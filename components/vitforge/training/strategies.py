"""Which weights a strategy trains: full, partial, head, LoRA."""

from typing import Any

from torch import nn

from vitforge.backbones import Backbone
from vitforge.config import FinetuningConfig, Strategy
from vitforge.errors import VitforgeError


def apply_strategy(backbone: Backbone, strategy: Strategy, recipe: FinetuningConfig) -> None:
    """Set `requires_grad`; `lora` also puts adapters into the blocks.

    Args:
        backbone: Changed in place.
        strategy: `full`: all weights; `partial`: all but the embeddings and the first
            `recipe.frozen_blocks` blocks; `head`: the classifier; `lora`: low-rank updates of the
            blocks' matrices, and the classifier.
        recipe: Holds `frozen_blocks`, `lora_rank`, `lora_alpha`.

    Raises:
        VitforgeError: if the backbone has no blocks to freeze or adapt, or fewer than asked for.
    """
    if strategy == "full":
        backbone.requires_grad_(True)
        return
    if strategy == "partial":
        _freeze_first(backbone, recipe.frozen_blocks)
        return
    if strategy == "lora":
        _add_lora(backbone, recipe)
    else:
        backbone.requires_grad_(False)
    backbone.head.requires_grad_(True)


def finish_strategy(backbone: Backbone, strategy: Strategy) -> None:
    """Merge LoRA's updates into the weights: W + BA · alpha / rank."""
    if strategy == "lora":
        adapted: Any = backbone.model
        backbone.model = adapted.merge_and_unload()
    backbone.requires_grad_(True)


def _freeze_first(backbone: Backbone, count: int) -> None:
    blocks = backbone.blocks
    if count > len(blocks):
        raise VitforgeError(
            f"the backbone has {len(blocks)} blocks, fewer than the {count} to freeze",
            where="finetuning.frozen_blocks",
            mend=f"set finetuning.frozen_blocks to at most {len(blocks)}",
        )
    backbone.requires_grad_(True)
    for weight in backbone.embedding_parameters():
        weight.requires_grad_(False)
    for block in blocks[:count]:
        block.requires_grad_(False)


def _add_lora(backbone: Backbone, recipe: FinetuningConfig) -> None:
    from peft import LoraConfig, get_peft_model

    in_blocks = {module for block in backbone.blocks for module in block.modules()}
    targets = [
        name
        for name, module in backbone.model.named_modules()
        if isinstance(module, nn.Linear) and module in in_blocks
    ]
    if not targets:
        raise VitforgeError(
            "the backbone has no attention blocks for LoRA",
            where=backbone.spec.display,
            mend="take strategy full or head, or a Vision Transformer",
        )
    config = LoraConfig(r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, target_modules=targets)
    backbone.model = get_peft_model(backbone.model, config)
