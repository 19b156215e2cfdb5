"""Whether computing the frozen part once is worth its room and its first pass."""

from dataclasses import dataclass

from vitforge.training.job import Job

GAIN = 1.1
"""Times faster than the plain loop, below which it is not worth while."""
BACKWARD = 2.0
"""Work of a backward pass, in forward passes (Kaplan et al. 2020, arXiv:2001.08361)."""
RATE = {"cpu": 5e10, "cuda": 1e14}
"""Multiply-adds and additions a second: a processor of a few cores; a GPU in 16 bit."""
READ = {"memory": 5e9, "file": 5e8}
"""Bytes a second."""


@dataclass(frozen=True)
class PrefixCost:
    """What both loops cost, in seconds by rule of thumb; only their ratio is used.

    The rates are constants and not measured, so that the same job always decides the same.

    Attributes:
        plain: The plain loop.
        cached: The first pass, and the loop behind it.
        views: Augmented views of each training image.
        size: Of the cache, bytes.
    """

    plain: float
    cached: float
    views: int
    size: int

    @property
    def gain(self) -> float:
        """Times faster."""
        return self.plain / self.cached

    @property
    def pays(self) -> bool:
        """Whether it is worth while."""
        return self.gain >= GAIN


def count_views(job: Job) -> int:
    """Views that the cache holds of each training image.

    One where nothing is random. Never more than epochs: with as many, each epoch's view is the
    plain loop's own.
    """
    return min(job.recipe.frozen_cache_views, job.epochs) if is_augmented(job) else 1


def is_augmented(job: Job) -> bool:
    """Whether chance changes a training image before the backbone sees it."""
    recipe = job.recipe.augmentation
    random = recipe.randaugment_ops or recipe.horizontal_flip or recipe.erasing
    return bool(random) or recipe.min_crop < 1


def estimate_cost(
    job: Job, flops: float, frozen_share: float, activation_bytes: int, device: str, *, file: bool
) -> PrefixCost:
    """Compare both loops.

    Args:
        job: Images, epochs, validations.
        flops: Of one image's forward pass.
        frozen_share: Of those, before the boundary, (0, 1].
        activation_bytes: Of one image's activations at the boundary.
        device: `cpu` or `cuda`.
        file: Whether the cache will live in a file.
    """
    images, held_out = len(job.train), len(job.val) if job.val else 0
    views = count_views(job)
    seconds = flops / RATE[device]
    frozen, rest = seconds * frozen_share, seconds * (1 - frozen_share)
    move = activation_bytes / READ["file" if file else "memory"]
    validations = held_out * job.epochs / job.recipe.validate_every
    trained = images * job.epochs
    behind = trained * rest * (1 + BACKWARD) + validations * rest
    stored = images * views + held_out
    return PrefixCost(
        plain=behind + (trained + validations) * frozen,
        cached=behind + stored * (frozen + move) + (trained + validations) * move,
        views=views,
        size=stored * activation_bytes,
    )
