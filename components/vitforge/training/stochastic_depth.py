"""Stochastic depth that saves the work of what it drops."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def survival_rates(depth: int, drop_path: float) -> list[float]:
    """Chance of each block to be computed for an image: 1 - (l / L) · p, l = 1 … L.

    Source: Huang et al. 2016, https://arxiv.org/abs/1603.09382
    """
    return [1 - block / depth * drop_path for block in range(1, depth + 1)]


@contextmanager
def stochastic_depth(blocks: Sequence[nn.Module], drop_path: float) -> Iterator[None]:
    """While training inside this context, skip whole residual blocks for part of each batch.

    A block sees a random subset of the batch and its residual is scaled up, so that the output's
    expectation is the full block's. The skipped images cost nothing, unlike a mask's. Frozen
    blocks always run.

    Args:
        blocks: Residual blocks y = x + f(x), in order, batch first.
        drop_path: Chance of the last block to be skipped, [0, 1).

    Source: the batch subset is DINOv2's, https://arxiv.org/abs/2304.07193
    """
    changed: list[nn.Module] = []
    for block, survival in zip(blocks, survival_rates(len(blocks), drop_path), strict=True):
        if survival < 1 and any(p.requires_grad for p in block.parameters()):
            # On the instance: names in the state dict stay as they are.
            block.forward = _on_subset(block, block.forward, survival)
            changed.append(block)
    try:
        yield
    finally:
        for block in changed:
            del block.forward


def _on_subset(
    block: nn.Module, forward: Callable[..., Any], survival: float
) -> Callable[..., Any]:
    def run(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        batch = x.shape[0]
        # A fractional count is rounded up or down by chance: the survival rate holds exactly.
        kept = max(1, int(batch * survival + torch.rand(()).item()))
        frozen = not any(p.requires_grad for p in block.parameters())
        if not block.training or frozen or kept >= batch:
            return forward(x, *args, **kwargs)
        index = torch.randperm(batch)[:kept].to(x.device)
        subset = x[index]
        residual = forward(subset, *args, **kwargs) - subset
        return x.index_add(0, index, residual.to(x.dtype), alpha=batch / kept)

    return run
