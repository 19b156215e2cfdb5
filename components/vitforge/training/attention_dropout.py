"""Dropout of attention weights, for backbones of both libraries."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from vitforge.backbones import Backbone
from vitforge.errors import VitforgeError

NAMES = ("attn_drop", "attention_dropout", "dropout")
"""Where the libraries keep it: a Dropout layer, or a chance."""


@contextmanager
def attention_dropout(backbone: Backbone, chance: float) -> Iterator[None]:
    """While training inside this context, zero a share of the attention weights.

    Args:
        backbone: Its attention modules are set, and set back.
        chance: [0, 1); 0 = off.

    Raises:
        VitforgeError: if the backbone's attention has none.
    """
    found = [_find(module) for module in backbone.attention_modules()] if chance else []
    if chance and (not found or None in found):
        raise VitforgeError(
            "the backbone's attention has no dropout",
            where="finetuning.attention_dropout",
            mend="set attention_dropout: 0",
        )
    places = [place for place in found if place]
    kept = [getattr(owner, name) for owner, name in places]
    for owner, name in places:
        setattr(owner, name, chance)
    try:
        yield
    finally:
        for (owner, name), before in zip(places, kept, strict=True):
            setattr(owner, name, before)


def _find(module: nn.Module) -> tuple[nn.Module, str] | None:
    for name in NAMES:
        there = getattr(module, name, None)
        if isinstance(there, nn.Dropout):
            return there, "p"
        if isinstance(there, float):
            return module, name
    return None
