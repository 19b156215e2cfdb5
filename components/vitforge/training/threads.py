"""How many CPU threads a training takes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 400_000_000
"""Multiply-adds of a batch's forward pass, below which threads wait more than they work."""


@contextmanager
def fitting_threads(parameters: int, tokens: int, batch_size: int) -> Iterator[None]:
    """Take one thread for a very small model, torch's own number otherwise.

    In a small model every operation ends in a barrier after microseconds: a second thread gains
    little (1.1 times at 0.2 G multiply-adds, 1.6 times at 1 G), and once another process wants a
    core, threads wait in every barrier for the one that lost its turn.

    Args:
        parameters: Of the model, count.
        tokens: Of an image, count.
        batch_size: Images a step.
    """
    before = torch.get_num_threads()
    if parameters * max(1, tokens) * batch_size < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
