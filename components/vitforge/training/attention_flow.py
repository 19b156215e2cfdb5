"""How spread out and how different a model's attention heads are, while it trains."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class HeadSpread:
    """One attention layer, averaged over images, heads and queries."""

    entropy: float
    """-Σ A ln A, nats, [0, ln keys]."""
    diversity: float
    """1 - the mean cosine of two distinct heads' attention, [0, 1]; 0 for a single head."""
    keys: int
    """Tokens that a query can look at."""

    @property
    def share(self) -> float:
        """Entropy of what it could be at most, [0, 1]."""
        return self.entropy / math.log(self.keys)


@torch.no_grad()
def attention_spread(model: nn.Module, images_NCHW: Tensor) -> list[HeadSpread]:
    """Run a few images through a model and look at its attention, layer by layer.

    The calls of `scaled_dot_product_attention` are watched, whichever library makes them, so that
    no model needs to be changed and a compiled one stays compiled. Attention that a model
    computes otherwise (CaiT's talking heads) is not seen.

    Args:
        model: Left in the mode it was in.
        images_NCHW: Normalised; two or four are enough.
    """
    was_training = model.training
    model.eval()
    try:
        # A compiled forward would not make the calls that are watched.
        with torch.compiler.set_stance("force_eager"), _Watch() as watch:
            model(images_NCHW)
    finally:
        model.train(was_training)
    if not watch.layers:
        return []
    values = torch.stack([pair for pair, _ in watch.layers]).tolist()  # one wait for the device
    return [
        HeadSpread(entropy, diversity, keys)
        for (entropy, diversity), (_, keys) in zip(values, watch.layers, strict=True)
    ]


class _Watch(TorchFunctionMode):
    """Notes (entropy, diversity) and the number of keys at every call of SDPA."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[tuple[Tensor, int]] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func is F.scaled_dot_product_attention:
            query, key = args[0], args[1]
            mask = args[3] if len(args) > 3 else given.get("attn_mask")
            # Of several windows (Swin) the first ones stand for all.
            weights = _weights(query[:4], key[:4], mask, given.get("scale"))
            self.layers.append((_spread(weights), key.shape[-2]))
        return func(*args, **given)


def _weights(query: Tensor, key: Tensor, mask: Tensor | None, scale: float | None) -> Tensor:
    scores = query.float() @ key.float().transpose(-2, -1)
    scores *= scale if scale is not None else query.shape[-1] ** -0.5
    if mask is not None:
        mask = mask[:4] if mask.ndim == 4 and mask.shape[0] > 1 else mask
        scores = (
            scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        )
    return scores.softmax(-1)


def _spread(attention_NHQK: Tensor) -> Tensor:
    entropy = torch.special.entr(attention_NHQK).sum(-1).mean()
    heads = attention_NHQK.shape[1]
    if heads == 1:
        return torch.stack([entropy, torch.zeros_like(entropy)])
    unit = F.normalize(attention_NHQK.flatten(2), dim=-1)
    # Of all H² pairs H are of a head with itself.
    alike = (unit.sum(1).square().sum(-1).mean() - heads) / (heads * (heads - 1))
    return torch.stack([entropy, 1 - alike])
