"""Gradient checkpointing, for any backbone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint


@contextmanager
def recomputed(blocks: Sequence[nn.Module]) -> Iterator[None]:
    """While training inside this context, keep only what enters each block.

    The backward pass computes the block once more, with the same random numbers.

    Args:
        blocks: Blocks of a backbone; changed on the instance, back to before at the end.

    Source: Chen et al. 2016, https://arxiv.org/abs/1604.06174
    """
    kept = [(block, block.__dict__.get("forward")) for block in blocks]
    for block in blocks:
        block.forward = _recomputing(block, block.forward)
    try:
        yield
    finally:
        for block, before in kept:
            del block.forward
            if before is not None:
                block.forward = before


def _recomputing(block: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        if not block.training:
            return forward(*args, **kwargs)
        return checkpoint(forward, *args, use_reentrant=False, **kwargs)

    return run
