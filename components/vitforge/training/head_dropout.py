"""Dropout before the head, for any backbone."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn import functional as F


@contextmanager
def head_dropout(head: nn.Module, chance: float) -> Iterator[None]:
    """While training inside this context, zero a share of what the head sees.

    Args:
        head: Its linear layers are hooked.
        chance: [0, 1); 0 = off.

    Source: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
    """

    def drop(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (F.dropout(inputs[0], chance, training=module.training), *inputs[1:])

    layers = [m for m in head.modules() if isinstance(m, nn.Linear)] if chance else []
    hooks = [layer.register_forward_pre_hook(drop) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
