"""Attention health of a model: entropy and diversity of every head, streamed through a pass.

Both libraries compute attention with one function, `scaled_dot_product_attention`, which returns
no maps. A pass under `AttentionWatch` computes it in small blocks instead: a block's maps give
the output and the statistics and are dropped.

Shapes: N images, L layers, H heads, T tokens, D dimensions of a head.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vitforge.backbones.anatomy import find_attention
from vitforge.errors import VitforgeError

BLOCK_BYTES = {"cpu": 2 << 20, "cuda": 256 << 20}
"""Maps held at a time: what a processor's cache takes, and what keeps a GPU busy."""
Look = Callable[[int, Tensor], None]
"""Called with a layer's place and a block's maps, shape (n, H, T, T)."""


@dataclass
class LayerStatistics:
    """One layer's statistics, an entry an image."""

    tokens: int
    entropy_NH: Tensor
    """Mean over queries of -Σ A ln A, nats, [0, ln T]."""
    cosine_N: Tensor
    """Mean over all H² pairs of heads of cos(Aₕ, Aₕ'); NaN when not asked for."""

    @property
    def heads(self) -> int:
        """Heads, count."""
        return self.entropy_NH.shape[1]

    @property
    def diversity(self) -> Tensor:
        """1 - mean cosine, the document's formula: [0, 1 - 1/H]."""
        return (1 - self.cosine_N).clamp(min=0)

    @property
    def normalised_diversity(self) -> Tensor:
        """The same over distinct pairs only, [0, 1]; 0 with one head."""
        return self.diversity * (self.heads / (self.heads - 1) if self.heads > 1 else 0.0)


@dataclass
class AttentionWatch(TorchFunctionMode):
    """Computes attention in blocks and keeps statistics, while it is entered.

    Args:
        diversity: Whether the cosines between heads are wanted too.
        look: Further use of the maps of a block, e.g. rollout.
    """

    diversity: bool = True
    look: Look | None = None
    entropies: list[Tensor] = field(default_factory=list)
    cosines: list[Tensor] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    """Of each call since the last `reset`."""

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Take self-attention over; everything else goes its way."""
        kwargs = kwargs or {}
        if func is not torch.nn.functional.scaled_dot_product_attention:
            return func(*args, **kwargs)
        return self._attend(*args, **kwargs)

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        if query.shape[-2] != key.shape[-2] or is_causal or enable_gqa or query.dim() != 4:
            return torch.nn.functional.scaled_dot_product_attention(
                query, key, value, attn_mask, dropout_p, is_causal, scale=scale,
                enable_gqa=enable_gqa,
            )  # fmt: skip
        images, heads, tokens, width = query.shape
        scale = width**-0.5 if scale is None else scale
        memory = BLOCK_BYTES.get(query.device.type, BLOCK_BYTES["cpu"])
        block = max(1, memory // (heads * tokens * tokens * query.element_size()))
        out = torch.empty(value.shape, dtype=value.dtype, device=value.device)
        entropies, cosines = [], []
        layer = len(self.tokens)
        mask = None if attn_mask is None else attn_mask.expand(images, heads, tokens, tokens)
        for start in range(0, images, block):
            part = slice(start, start + block)
            scores = torch.matmul(query[part] * scale, key[part].transpose(-1, -2))
            if mask is not None:
                scores = _masked(scores, mask[part])
            expected = None if mask is None else scores.clamp(min=torch.finfo(scores.dtype).min)
            maps = torch.softmax(scores, -1)
            # H = ln Σ exp s - Σ A s; a single weight gives the first, A·K the second.
            log_sum = _log_sum(scores, maps)
            if expected is None:
                # One product for both: the maps are read once.
                both = torch.matmul(maps, torch.cat((value[part], key[part]), -1))
                out[part], mean_key = both[..., : value.shape[-1]], both[..., value.shape[-1] :]
                mean_score = (query[part] * mean_key).sum(-1).float() * scale
            else:
                out[part] = torch.matmul(maps, value[part])
                mean_score = (maps * expected).sum(-1).float()
            entropies.append((log_sum - mean_score).clamp(min=0).mean(-1))
            if self.diversity:
                flat = maps.flatten(2).float()
                gram = flat @ flat.transpose(-1, -2)
                norm = gram.diagonal(dim1=-2, dim2=-1).sqrt()
                cosines.append((gram / (norm[:, :, None] * norm[:, None])).mean((-1, -2)))
            if self.look:
                self.look(layer, maps)
        self.tokens.append(tokens)
        self.entropies.append(torch.cat(entropies))
        unknown = torch.full((images,), math.nan)
        self.cosines.append(torch.cat(cosines) if self.diversity else unknown)
        return out

    def reset(self) -> None:
        """Forget what was seen; call before each forward pass."""
        self.entropies.clear()
        self.cosines.clear()
        self.tokens.clear()

    def layers(self, images: int) -> list[LayerStatistics]:
        """What the last forward pass showed; windows of an image are averaged."""
        return [
            LayerStatistics(t, e.view(images, -1, e.shape[-1]).mean(1), c.view(images, -1).mean(1))
            for t, e, c in zip(self.tokens, self.entropies, self.cosines, strict=True)
        ]


def _log_sum(scores: Tensor, maps: Tensor) -> Tensor:
    """ln Σ exp s of each row, from a weight and its score: ln A = s - ln Σ exp s.

    Any weight will do that has not vanished; the largest never has, but finding it costs a look
    at all of them.
    """
    first = maps[..., 0]
    if bool((first > torch.finfo(maps.dtype).tiny * 1024).all()):
        return scores[..., 0].float() - first.float().log()
    return scores.amax(-1).float() - maps.amax(-1).float().log()


def _masked(scores: Tensor, mask: Tensor) -> Tensor:
    if mask.dtype == torch.bool:
        return scores.masked_fill(~mask, -math.inf)
    return scores + mask


@contextmanager
def watch_attention(
    model: nn.Module, *, diversity: bool = True, look: Look | None = None
) -> Iterator[AttentionWatch]:
    """Watch the attention of every forward pass inside the `with`.

    Models that compute maps themselves are asked to use the shared function for as long.
    """
    fused = [m for m in find_attention(model) if getattr(m, "fused_attn", None) is False]
    inner = getattr(model, "model", model)
    config = getattr(inner, "config", None)
    old = getattr(config, "_attn_implementation", None)
    for module in fused:
        module.fused_attn = True  # type: ignore[assignment]
    if old and old != "sdpa":
        inner.set_attn_implementation("sdpa")  # type: ignore[operator]
    try:
        with AttentionWatch(diversity=diversity, look=look) as watch:
            yield watch
    finally:
        for module in fused:
            module.fused_attn = False  # type: ignore[assignment]
        if old and old != "sdpa":
            inner.set_attn_implementation(old)  # type: ignore[operator]


@dataclass(frozen=True)
class AttentionStatistics:
    """Statistics of a whole pass."""

    layers: tuple[LayerStatistics, ...]

    @classmethod
    def join(cls, batches: list[list[LayerStatistics]]) -> Self:
        """Put batches together, layer by layer."""
        return cls(
            tuple(
                LayerStatistics(
                    parts[0].tokens,
                    torch.cat([p.entropy_NH for p in parts]).cpu(),
                    torch.cat([p.cosine_N for p in parts]).cpu(),
                )
                for parts in zip(*batches, strict=True)
            )
        )


def check_seen(model: nn.Module, seen: int) -> None:
    """Every attention module must have shown itself.

    Raises:
        VitforgeError: if not: some libraries skip the shared function without a word.
    """
    wanted = len(find_attention(model))
    if seen != wanted:
        raise VitforgeError(
            f"of {wanted} attention layers {seen} could be watched",
            where=type(model).__name__,
            mend="add attention and attention_maps to evaluation.skip for this architecture",
        )
