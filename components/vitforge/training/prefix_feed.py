"""Batches of stored activations: the frozen part of the model is run once, not in every epoch.

Mixup mixes activations as it would mix images (manifold mixup), and takes CutMix's place too: a
rectangle has no counterpart behind attention. Stochastic depth goes on behind the boundary; the
frozen part always runs whole and without dropout.

Source: Verma et al. 2019, https://arxiv.org/abs/1806.05236
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitforge.artifacts.features import FrozenFeatures
from vitforge.backbones import Backbone
from vitforge.training.cache import cache_bytes, open_cache
from vitforge.training.feed import VALIDATION_BATCH, Batch, training_images, validation_images
from vitforge.training.hardware import Precision, autocast
from vitforge.training.job import Job
from vitforge.training.mixing import mix
from vitforge.training.objectives import Objective
from vitforge.training.order import epoch_order
from vitforge.training.prefix import FrozenSplit

STORED = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""What activations are kept in: the forward pass's own arithmetic."""


class PrefixFeed:
    """Activations at the boundary, computed when the feed is made.

    Without augmentation a batch's activations are those that the plain loop would compute. With
    it, each image has `views` fixed versions that the epochs take in turn; view v is what the
    plain loop would show in epoch v + 1.

    Args:
        job: Images, recipe and seed.
        objective: Makes targets of labels.
        split: The backbone, on its device, with `requires_grad` as it will be trained.
        views: Versions of each training image, from 1.
        precision: Of the forward pass.
        kept: Activations of some training images that need not be computed; for one view only.
    """

    def __init__(
        self,
        job: Job,
        objective: Objective,
        split: FrozenSplit,
        views: int,
        precision: Precision,
        kept: FrozenFeatures | None = None,
    ) -> None:
        self._job, self._objective, self._split, self._views = job, objective, split, views
        self._device = next(split.parameters()).device
        count, held_out = len(job.train), len(job.val) if job.val else 0
        dtype = STORED[precision]
        shape = activation_shape(job, split)
        # NumPy has no bfloat16; two bytes are two bytes.
        stored = np.float32 if dtype == torch.float32 else np.int16
        array = open_cache((views * count + held_out, *shape), stored, "frozen activations")
        self._store = torch.from_numpy(array).view(dtype)
        self._held_out = views * count
        missing = self._take(kept) if kept else torch.arange(count)
        for rows, images in self._images(missing):
            with torch.inference_mode(), autocast(precision, self._device):
                self._store[rows] = split.capture(images).to(dtype).cpu()

    def trained_part(self, _: Backbone) -> nn.Module:
        """What follows the boundary."""
        return self._split

    def batches(self, epoch: int, done: int) -> Iterator[Batch]:
        """The batches of an epoch (from 1), without the first `done`."""
        job, mixing = self._job, self._job.recipe.augmentation
        order, seen = epoch_order(job, epoch)
        view = (epoch - 1 + seen) % self._views
        rows = torch.from_numpy(view * len(job.train) + order)
        for at in range(done, job.steps_per_epoch):
            part = slice(at * job.batch_size, (at + 1) * job.batch_size)
            rng = np.random.default_rng((job.seed, epoch, at))
            seed = int(rng.integers(2**62))
            index_B = torch.from_numpy(order[part])
            inputs = self._store[rows[part]].to(self._device)
            targets = self._objective.targets(job.train.labels_N[index_B].to(self._device))
            inputs, targets = mix(inputs, targets, rng, mixing.mixup or mixing.cutmix, 0.0)
            yield Batch(inputs, targets, index_B, seed)

    def validation(self) -> Iterator[Tensor]:
        """The validation images' activations."""
        for part in torch.split(self._store[self._held_out :], VALIDATION_BATCH):
            yield part.to(self._device)

    def _take(self, kept: FrozenFeatures) -> Tensor:
        """Store what is kept; positions of the training images that are not, shape (M,)."""
        missing: list[int] = []

        def leave_out(places: list[int]) -> NDArray[np.float32]:
            missing.extend(places)
            return np.zeros((len(places), kept.values_ND.shape[1]), np.float32)

        values = kept.complete(self._job.train.ids, leave_out)
        self._store[: len(values)] = torch.from_numpy(values)
        return torch.tensor(missing, dtype=torch.long)

    def _images(self, missing: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows of the store and their images: views of the training images, then validation."""
        job = self._job
        size = job.how.image_size
        self._split.eval()
        for view in range(self._views):
            # Of no images at all, split would still make one empty part.
            for index_B in torch.split(missing, VALIDATION_BATCH) if len(missing) else ():
                images = training_images(job, index_B, size, (job.seed, view + 1), self._device)
                yield view * len(job.train) + index_B, images
        at = self._held_out
        for images in validation_images(job, self._device):
            yield torch.arange(at, at + len(images)), images
            at += len(images)


def activation_shape(job: Job, split: FrozenSplit) -> tuple[int, ...]:
    """Shape of one image's activations."""
    size = job.how.image_size
    split.eval()
    with torch.inference_mode():
        blank = torch.zeros(1, 3, size, size, device=next(split.parameters()).device)
        return tuple(split.capture(blank).shape[1:])


def activation_bytes(job: Job, split: FrozenSplit, precision: Precision) -> int:
    """What one image's activations take, bytes."""
    return cache_bytes(activation_shape(job, split), np.float32) * STORED[precision].itemsize // 4
