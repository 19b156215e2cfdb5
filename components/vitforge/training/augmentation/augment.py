"""From a batch of bytes to a batch for training: crop, flip, RandAugment, normalise, erase."""

import numpy as np
import torch
from torch import Tensor

from vitforge.artifacts import Preprocessing
from vitforge.config import AugmentationConfig
from vitforge.training.augmentation import geometry
from vitforge.training.augmentation.erasing import erase
from vitforge.training.augmentation.spaces import SPACES, Space
from vitforge.training.normalise import normalise, to_unit


def augment(
    pixels_NCHW: Tensor, config: AugmentationConfig, how: Preprocessing, rng: np.random.Generator
) -> Tensor:
    """Change every image in its own way.

    All geometry is composed into one resampling, before the colours; RandAugment as published
    resamples for each operation.

    Args:
        pixels_NCHW: uint8, on the device to work on.
        config: What to do, how often and how strongly.
        how: Size and normalisation of the result.
        rng: Every random choice; the same state gives the same batch.

    Returns:
        Normalised float32, shape (N, 3, image_size, image_size).

    Source: Cubuk et al. 2019, https://arxiv.org/abs/1909.13719
    """
    n = len(pixels_NCHW)
    space = SPACES[config.randaugment_space]
    matrices = geometry.crop(rng, n, config.min_crop)
    matrices = matrices @ geometry.flip(rng.random(n) < config.horizontal_flip)
    drawn = rng.integers(len(space.operations), size=(config.randaugment_ops, n))
    values = np.stack([_values(space, row, config, rng) for row in drawn]) if len(drawn) else drawn
    for row, value in zip(drawn, values, strict=True):
        matrices = matrices @ _moves(space, row, value)
    images = to_unit(pixels_NCHW)
    moved = not np.array_equal(matrices, geometry.identity(n))
    if moved or images.shape[-1] != how.image_size:
        images = geometry.warp(images, matrices, how.image_size, space.fill_border)
    for row, value in zip(drawn, values, strict=True):
        images = _recolour(space, row, value, images)
    images = normalise(images, how)
    return erase(images, rng, config.erasing) if config.erasing else images


def _values(
    space: Space,
    drawn_N: geometry.Values,
    config: AugmentationConfig,
    rng: np.random.Generator,
) -> geometry.Values:
    """The value of each image's operation, on the operation's own scale."""
    n, magnitude = len(drawn_N), config.randaugment_magnitude
    if space.spread is None:
        strength = rng.uniform(0, magnitude / 10, n)
    else:
        strength = np.clip(rng.normal(magnitude, space.spread, n) / 10, 0, 1)
    values = np.empty(n)
    for at, operation in enumerate(space.operations):
        mine = drawn_N == at
        values[mine] = operation.values(strength[mine], rng)
    return values


def _moves(space: Space, drawn_N: geometry.Values, values: geometry.Values) -> geometry.Matrices:
    matrices = geometry.identity(len(drawn_N))
    for at, operation in enumerate(space.operations):
        mine = drawn_N == at
        if operation.moves and mine.any():
            matrices[mine] = operation.apply(values[mine])
    return matrices


def _recolour(
    space: Space, drawn_N: geometry.Values, values: geometry.Values, images: Tensor
) -> Tensor:
    for at, operation in enumerate(space.operations):
        mine = torch.from_numpy(np.flatnonzero(drawn_N == at)).to(images.device)
        if not operation.moves and len(mine):
            value = torch.from_numpy(values[drawn_N == at]).to(images)
            images[mine] = operation.apply(images[mine], value)
    return images
