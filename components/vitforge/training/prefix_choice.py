"""Whether a training reads images or stored activations, and why."""

from vitforge.backbones import Backbone
from vitforge.errors import VitforgeError
from vitforge.training.cache import IN_MEMORY, free_bytes
from vitforge.training.hardware import Precision
from vitforge.training.job import Job
from vitforge.training.objectives import Objective
from vitforge.training.prefix import FrozenSplit, split_frozen
from vitforge.training.prefix_cost import PrefixCost, estimate_cost
from vitforge.training.prefix_feed import PrefixFeed, activation_bytes

GIB = 1024**3


def choose_prefix_feed(
    backbone: Backbone, job: Job, objective: Objective, precision: Precision
) -> tuple[PrefixFeed | None, str]:
    """Run the frozen part once where the recipe asks for it, or where it pays.

    Args:
        backbone: On its device, with `requires_grad` as it will be trained.
        job: Holds the images and `recipe.frozen_cache`.
        objective: Of the task.
        precision: Of the forward pass.

    Returns:
        The feed, or None for the plain loop; and the decision in a sentence, empty where the
        strategy leaves nothing frozen.

    Raises:
        VitforgeError: if the recipe demands the cache and it cannot be had.
    """
    wanted = job.recipe.frozen_cache
    if job.strategy not in ("head", "partial") or wanted == "off":
        return None, ""
    reason = _obstacle(job)
    split = None if reason else split_frozen(backbone)
    if split is None:
        return None, _refuse(wanted, reason or "the backbone has no frozen part to cut off")
    cost = _cost(split, job, precision)
    room = min(job.recipe.frozen_cache_gib * GIB, max(IN_MEMORY, free_bytes()))
    size = f"{cost.size / GIB:.2f} GiB"
    if cost.size > room:
        reason = f"its activations take {size}, and there is room for {room / GIB:.2f} GiB"
        return None, _refuse(wanted, reason)
    if wanted == "auto" and not cost.pays:
        return None, f"the frozen part runs in every epoch: storing it would gain {cost.gain:.2f}×"
    versions = "1 version" if cost.views == 1 else f"{cost.views} augmented versions"
    note = (
        f"the frozen part runs once: {versions} of {len(job.train):,} images, {size}; "
        f"about {cost.gain:.1f} times faster"
    )
    return PrefixFeed(job, objective, split, cost.views, precision), note


def _obstacle(job: Job) -> str:
    recipe = job.recipe
    if recipe.patch_dropout or recipe.smallest_size:
        return "patch_dropout and smallest_size change what the frozen part sees"
    if recipe.compile:
        return "a compiled model is compiled whole"
    if recipe.distillation.teacher:
        return "a teacher must see the images"
    if job.world.size > 1:
        return "several processes share each batch"
    return ""


def _refuse(wanted: str, reason: str) -> str:
    if wanted == "on":
        raise VitforgeError(
            f"the frozen part cannot be run once: {reason}",
            where="finetuning.frozen_cache",
            mend="set finetuning.frozen_cache: auto, or change what is in its way",
        )
    return f"the frozen part runs in every epoch: {reason}"


def _cost(split: FrozenSplit, job: Job, precision: Precision) -> PrefixCost:
    backbone = split.backbone
    # Two for each weight and token; convolutions without tokens see each weight far more often.
    flops = 2.0 * backbone.parameter_count * max(backbone.tokens, 49)
    device = next(backbone.parameters()).device.type
    size = activation_bytes(job, split, precision)
    cost = estimate_cost(job, flops, split.frozen_share, size, device, file=False)
    if cost.size > IN_MEMORY:
        cost = estimate_cost(job, flops, split.frozen_share, size, device, file=True)
    return cost
