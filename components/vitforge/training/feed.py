"""Where batches come from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vitforge.backbones import Backbone
from vitforge.training.augmentation import augment, erase
from vitforge.training.job import Job
from vitforge.training.mixing import mix
from vitforge.training.normalise import normalise, to_unit
from vitforge.training.objectives import Objective
from vitforge.training.order import epoch_order
from vitforge.training.sizes import size_of_epoch

VALIDATION_BATCH = 128
"""Images a forward pass without gradients."""


@dataclass(frozen=True)
class Batch:
    """What one optimizer step sees; of several processes, what this one sees of it.

    Attributes:
        inputs: What `Feed.trained_part` takes, on the device, batch first.
        targets: Float rows, mixed like the inputs, on the device.
        index_B: Positions in `job.train`, on the CPU.
        seed: Of the step's dropout and stochastic depth.
    """

    inputs: Tensor
    targets: Tensor
    index_B: Tensor
    seed: int


class Feed(Protocol):
    """A source of batches; the same (seed, epoch, step) gives the same batch."""

    def trained_part(self, backbone: Backbone) -> nn.Module:
        """What turns a batch's inputs into outputs: the backbone, or what follows a cache."""

    def batches(self, epoch: int, done: int) -> Iterator[Batch]:
        """The batches of an epoch (from 1), without the first `done`."""

    def validation(self) -> Iterator[Tensor]:
        """The validation images in order, as `trained_part` takes them."""


class ImageFeed:
    """Decoded images, augmented anew in every epoch.

    Args:
        job: Images, recipe and seed.
        objective: Makes targets of labels.
        device: Where batches are put.
        patch: Height and width of a patch, pixels; used where image sizes grow.
    """

    def __init__(
        self, job: Job, objective: Objective, device: torch.device, patch: int = 0
    ) -> None:
        self._job, self._objective, self._device = job, objective, device
        self._patch = patch

    def trained_part(self, backbone: Backbone) -> nn.Module:
        """The whole backbone."""
        return backbone

    def batches(self, epoch: int, done: int) -> Iterator[Batch]:
        """The batches of an epoch (from 1), without the first `done`."""
        job = self._job
        order, views = epoch_order(job, epoch)
        for at in range(done, job.steps_per_epoch):
            part = slice(at * job.batch_size, (at + 1) * job.batch_size)
            yield self._batch(order[part], views[part], epoch, at)

    def validation(self) -> Iterator[Tensor]:
        """The validation images, normalised."""
        yield from validation_images(self._job, self._device)

    def _batch(self, index: np.ndarray, views: np.ndarray, epoch: int, at: int) -> Batch:
        job, mixing = self._job, self._job.recipe.augmentation
        rng = np.random.default_rng((job.seed, epoch, at))
        seed = int(rng.integers(2**62))
        mine = job.world.share(len(index))
        index, views = index[mine], views[mine]
        index_B = torch.from_numpy(index)
        images = self._images(index_B, views, epoch)
        targets = self._objective.targets(job.train.labels_N[index_B].to(self._device))
        images, targets = mix(images, targets, rng, mixing.mixup, mixing.cutmix)
        return Batch(images, targets, index_B, seed + job.world.rank)

    def _images(self, index_B: Tensor, views: np.ndarray, epoch: int) -> Tensor:
        """Augmented and normalised; each view of an image is drawn apart."""
        size = size_of_epoch(self._job, epoch, self._patch)
        if not views.any():
            return training_images(self._job, index_B, size, (self._job.seed, epoch), self._device)
        images = torch.empty((len(index_B), 3, size, size), device=self._device)
        for view in np.unique(views).tolist():
            mine = torch.from_numpy(np.flatnonzero(views == view))
            key = (self._job.seed, epoch, view) if view else (self._job.seed, epoch)
            part = training_images(self._job, index_B[mine], size, key, self._device)
            images[mine.to(self._device)] = part
        return images


def training_images(
    job: Job, index_B: Tensor, size: int, key: tuple[int, ...], device: torch.device
) -> Tensor:
    """Training images, augmented and normalised, on the device.

    Args:
        job: Images and recipe.
        index_B: Positions in `job.train`.
        size: Height and width, pixels.
        key: Seed and pass; with an image's position they decide all that happens to it.
        device: Where they are put.
    """
    config = job.recipe.augmentation
    pixels = augment(job.train.pixels_NCHW, index_B, config, size, key)
    images = normalise(to_unit(pixels.to(device)), job.how)
    return erase(images, index_B, key, config.erasing) if config.erasing else images


def validation_images(job: Job, device: torch.device) -> Iterator[Tensor]:
    """The validation images in order, normalised, on the device; none where there are none."""
    if job.val is not None:
        for pixels in torch.split(job.val.pixels_NCHW, VALIDATION_BATCH):
            yield normalise(to_unit(pixels.to(device)), job.how)
