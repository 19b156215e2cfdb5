"""Which images each batch of an epoch takes."""

import numpy as np
from numpy.typing import NDArray

from vitforge.training.job import Job

Indices = NDArray[np.int64]


def epoch_order(job: Job, epoch: int) -> tuple[Indices, Indices]:
    """The images of an epoch in their order, whole batches only.

    Args:
        job: Holds the images, the seed and the kind of sampling.
        epoch: From 1.

    Returns:
        Positions in `job.train`, and how often the image was taken before in this epoch: a second
        view is augmented in another way. Both of shape (steps · batch,).

    Source: repeated augmentation, Hoffer et al. 2020, https://arxiv.org/abs/1901.09335
    """
    rng = np.random.default_rng((job.seed, epoch))
    wanted = job.steps_per_epoch * job.batch_size
    if job.recipe.balanced_sampling:
        order = rng.choice(len(job.train), wanted, p=_even_chances(job))
    else:
        order = rng.permutation(len(job.train))
    views = job.recipe.repeated_augmentation
    if views > 1:
        # Views of an image share its batch; an epoch sees fewer images, and is no longer.
        order = np.repeat(order, views)
    order = order[:wanted]
    return order, _seen_before(order)


def _even_chances(job: Job) -> NDArray[np.float64]:
    """Each class as likely as any other."""
    labels = job.train.labels_N.numpy()
    counts = np.bincount(labels)
    chances: NDArray[np.float64] = (1.0 / counts)[labels]
    chances /= chances.sum()
    return chances


def _seen_before(order: Indices) -> Indices:
    by_image = np.argsort(order, kind="stable")
    ranked = order[by_image]
    first = np.searchsorted(ranked, ranked)
    seen = np.empty_like(order)
    seen[by_image] = np.arange(len(order)) - first
    return seen
