"""From stored bytes to the bytes of a training batch: crop, flip and RandAugment."""

from collections.abc import Callable
from concurrent.futures import Executor

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitforge.config import AugmentationConfig
from vitforge.training.augmentation import geometry
from vitforge.training.augmentation.draws import normal, uniforms
from vitforge.training.augmentation.spaces import SPACES, Space

DRAWS = 5
"""Random numbers that an operation takes: which, whether, sign, and two for its strength."""
NONE = -1
"""In place of an operation that is drawn but not done."""
SHRINK = 0.75
"""Below this ratio of output to stored size, an image is averaged down before it is resampled."""


def augment(
    pixels_NCHW: Tensor,
    index_B: Tensor,
    config: AugmentationConfig,
    size: int,
    key: tuple[int, ...],
    pool: Executor | None = None,
    parts: int = 1,
) -> Tensor:
    """Change every image of a batch in its own way.

    All geometry is composed into one resampling, before the colours; RandAugment as published
    resamples for each operation.

    Args:
        pixels_NCHW: All stored images, uint8, square, on the CPU; best stored channels last.
        index_B: Which of them the batch takes.
        config: What to do, how often and how strongly.
        size: Height and width of the result, pixels.
        key: Seed and pass; with an image's index they decide all that happens to it.
        pool: Threads to work in, `parts` at a time.
        parts: Pieces that the batch is cut into for `pool`.

    Returns:
        uint8, shape (B, 3, size, size).

    Source: Cubuk et al. 2019, https://arxiv.org/abs/1909.13719
    """
    if size == pixels_NCHW.shape[2] and _changes_nothing(config):
        return pixels_NCHW[index_B].contiguous()
    index = index_B.numpy()
    stored = pixels_NCHW.permute(0, 2, 3, 1).numpy()
    source = between = stored.shape[1]
    if size < SHRINK * source:
        between = min(source, round(size * 256 / 224))
    space = SPACES[config.randaugment_space]
    draws = uniforms((*key, 0), index, 5 + DRAWS * config.randaugment_ops)
    matrices = geometry.crop(draws[:, :4], config.min_crop)
    matrices = matrices @ geometry.flip(draws[:, 4] < config.horizontal_flip)
    drawn, values = _operations(space, draws[:, 5:], config)
    for row, value in zip(drawn, values, strict=True):
        matrices = matrices @ _moves(space, row, value)
    still = (np.abs(matrices - np.eye(3)) < 1e-12).all(axis=(1, 2)) & (between == size)
    maps = geometry.to_pixels(matrices, between, size)
    out = torch.empty((len(index), 3, size, size), dtype=torch.uint8)
    planes = out.numpy()

    def work(rows: NDArray[np.int64]) -> None:
        for row in rows:
            image = np.ascontiguousarray(stored[index[row]])
            if between != source:
                shape = (between, between)
                image = np.asarray(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), np.uint8)
            if not still[row]:
                image = geometry.warp(image, maps[row], size, space.fill_border)
            for which, value in zip(drawn[:, row], values[:, row], strict=True):
                if which != NONE and not space.operations[which].moves:
                    image = space.operations[which].apply(image, float(value))
            cv2.split(image, list(planes[row]))

    _spread(work, np.arange(len(index)), pool, parts)
    return out


def _changes_nothing(config: AugmentationConfig) -> bool:
    return not config.randaugment_ops and not config.horizontal_flip and config.min_crop == 1


def _operations(
    space: Space, draws: geometry.Values, config: AugmentationConfig
) -> tuple[NDArray[np.int64], geometry.Values]:
    """Each image's operations and their values, on the operations' own scales; shapes (ops, N)."""
    which, chance, sign, first, second = draws.reshape(len(draws), -1, DRAWS).transpose(2, 1, 0)
    drawn = (which * len(space.operations)).astype(np.int64)
    drawn[chance >= space.chance] = NONE
    sign = np.where(sign < 0.5, -1.0, 1.0)
    magnitude = config.randaugment_magnitude
    if space.spread is None:
        strength = first * magnitude / 10
    else:
        strength = np.clip((magnitude + space.spread * normal(first, second)) / 10, 0, 1)
    values = np.zeros(drawn.shape)
    for at, operation in enumerate(space.operations):
        mine = drawn == at
        values[mine] = operation.values(strength[mine], sign[mine])
    return drawn, values


def _moves(space: Space, drawn_N: NDArray[np.int64], values: geometry.Values) -> geometry.Matrices:
    matrices = geometry.identity(len(drawn_N))
    for at, operation in enumerate(space.operations):
        mine = drawn_N == at
        if operation.moves and mine.any():
            matrices[mine] = operation.apply(values[mine])
    return matrices


def _spread(
    work: Callable[[NDArray[np.int64]], None],
    rows: NDArray[np.int64],
    pool: Executor | None,
    parts: int,
) -> None:
    if pool is None or parts <= 1:
        work(rows)
        return
    # OpenCV lets go of the interpreter's lock, so that threads do work side by side.
    list(pool.map(work, np.array_split(rows, parts)))
