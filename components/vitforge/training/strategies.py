"""Which weights a strategy trains, and in which epoch."""

from typing import Any

from torch import nn

from vitforge.backbones import Backbone
from vitforge.config import FinetuningConfig, Strategy
from vitforge.errors import VitforgeError
from vitforge.training.job import Job


def apply_strategy(backbone: Backbone, strategy: Strategy, recipe: FinetuningConfig) -> None:
    """Set `requires_grad` of all that is ever trained; `lora` also puts adapters into the blocks.

    Args:
        backbone: Changed in place.
        strategy: `full`, `lp_ft`, `gradual`: all weights; `partial`: all but the embeddings and
            the first `recipe.frozen_blocks` blocks; `head`: the classifier; `lora`: low-rank
            updates of the blocks' matrices, and the classifier.
        recipe: Holds `frozen_blocks` and the settings of LoRA.

    Raises:
        VitforgeError: if the backbone has no blocks to freeze or adapt, or fewer than asked for.
    """
    if strategy == "partial":
        _freeze_first(backbone, recipe.frozen_blocks)
    elif strategy == "head":
        backbone.requires_grad_(False)
        backbone.head.requires_grad_(True)
    elif strategy == "lora":
        _add_lora(backbone, recipe)
        backbone.head.requires_grad_(True)
    else:
        backbone.requires_grad_(True)
        if strategy == "gradual":
            _blocks(backbone)


def open_for_epoch(backbone: Backbone, job: Job, step: int) -> None:
    """Free what `lp_ft` or `gradual` trains from this step on; other strategies stay as they are.

    The optimizer holds all weights from the start and leaves those without a gradient untouched.

    Args:
        backbone: Changed in place.
        job: Says how long the head is alone, and how soon the next block follows.
        step: First step of an epoch, from 0.

    Source: Kumar et al. 2022, https://arxiv.org/abs/2202.10054 (LP-FT);
        Howard and Ruder 2018, https://arxiv.org/abs/1801.06146 (gradual unfreezing)
    """
    if job.strategy == "lp_ft":
        backbone.requires_grad_(step >= job.probe_steps)
    elif job.strategy == "gradual":
        blocks = _blocks(backbone)
        freed = step // job.steps_per_epoch // job.recipe.unfreeze_every
        backbone.requires_grad_(freed >= 1)  # what follows the blocks is freed with the last one
        if freed <= len(blocks):
            freeze_prefix(backbone, len(blocks) - freed)
    else:
        return
    backbone.head.requires_grad_(True)


def finish_strategy(backbone: Backbone, strategy: Strategy) -> None:
    """Merge LoRA's updates into the weights: W + BA · alpha / rank."""
    if strategy == "lora":
        adapted: Any = backbone.model
        backbone.model = adapted.merge_and_unload()
    backbone.requires_grad_(True)


def freeze_prefix(backbone: Backbone, count: int) -> None:
    """Freeze all that comes before block `count` (from 0): the embeddings, the first blocks, and
    what lies between them, as Swin's patch merging does."""
    weights, blocks = list(backbone.parameters()), backbone.blocks
    for weight in backbone.embedding_parameters():
        weight.requires_grad_(False)
    if count == 0:
        return
    # Both libraries define modules in the order in which images pass them.
    at = {id(weight): place for place, weight in enumerate(weights)}
    if count < len(blocks):
        end = min(at[id(weight)] for weight in blocks[count].parameters())
    else:
        end = 1 + max(at[id(weight)] for weight in blocks[-1].parameters())
    for weight in weights[:end]:
        weight.requires_grad_(False)


def _blocks(backbone: Backbone) -> list[nn.Module]:
    blocks = backbone.blocks
    if not blocks:
        raise VitforgeError(
            "the backbone has no blocks to free one after the other",
            where=backbone.spec.display,
            mend="take strategy full, lp_ft or head",
        )
    return blocks


def _freeze_first(backbone: Backbone, count: int) -> None:
    blocks = backbone.blocks
    if count > len(blocks):
        raise VitforgeError(
            f"the backbone has {len(blocks)} blocks, fewer than the {count} to freeze",
            where="finetuning.frozen_blocks",
            mend=f"set finetuning.frozen_blocks to at most {len(blocks)}",
        )
    backbone.requires_grad_(True)
    freeze_prefix(backbone, count)


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
    config = LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        target_modules=targets,
        use_dora=recipe.lora_dora,
    )
    backbone.model = get_peft_model(backbone.model, config)
