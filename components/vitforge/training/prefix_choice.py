"""Whether a training reads images or stored activations, and why."""

from vitforge.artifacts.features import FrozenFeatures
from vitforge.backbones import Backbone
from vitforge.errors import VitforgeError
from vitforge.training.cache import IN_MEMORY, free_bytes
from vitforge.training.hardware import Precision
from vitforge.training.job import Job
from vitforge.training.objectives import Objective
from vitforge.training.prefix import FrozenSplit, SplitAtHead, split_frozen
from vitforge.training.prefix_cost import PrefixCost, estimate_cost, is_augmented
from vitforge.training.prefix_feed import PrefixFeed, activation_bytes, activation_shape

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
    kept, why = _planned(job, split, precision)
    return PrefixFeed(job, objective, split, cost.views, precision, kept), note + why


def _planned(
    job: Job, split: FrozenSplit, precision: Precision
) -> tuple[FrozenFeatures | None, str]:
    """The plan's features where they are the activations to store, and what to say of them."""
    kept = job.planned
    if kept is None or not isinstance(split, SplitAtHead):
        return None, ""
    device = next(split.parameters()).device
    if is_augmented(job):
        obstacle = "training images are augmented"
    elif precision != "fp32" or (job.recipe.tf32 and device.type == "cuda"):
        obstacle = "they were computed in fp32 and this training computes in less"
    elif activation_shape(job, split) != kept.values_ND.shape[1:]:
        obstacle = "the head sees more than they hold"
    else:
        count = len(set(kept.ids) & set(job.train.ids))
        return kept, f"; features of {count:,} images are the plan's"
    return None, f"; the plan's features are not used: {obstacle}"


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
