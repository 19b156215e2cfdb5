"""How gradients and updates spread over a model's blocks, looked at now and then in training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vitforge.backbones import Backbone
from vitforge.training.attention_flow import HeadSpread, attention_spread

EVERY_ROW = 8
"""Of a matrix every eighth row is kept to see how far a step moved it."""
LOOKED_AT = 2
"""Images whose attention is looked at."""


@dataclass(frozen=True)
class FlowSample:
    """What one step looked like. Blocks from the input on; frozen ones have None."""

    step: int
    """From 1."""
    loss: float
    norm: float
    """Of the whole gradient, before clipping."""
    attention_norms: tuple[float | None, ...]
    """Of the gradient of a block's attention matrices."""
    mlp_norms: tuple[float | None, ...]
    """Of the gradient of a block's other matrices."""
    update_ratios: tuple[float | None, ...]
    """||step's change|| / ||weights|| of a block's matrices; about 1e-3 is usual. Matrices that
    start at zero (LoRA's B) are left out: any change is large beside nothing."""
    spreads: tuple[HeadSpread, ...]
    """One an attention layer."""

    @property
    def block_norms(self) -> list[float]:
        """Gradient norms of the blocks that are trained, attention and MLP together."""
        pairs = zip(self.attention_norms, self.mlp_norms, strict=True)
        return [
            ((a or 0.0) ** 2 + (m or 0.0) ** 2) ** 0.5
            for a, m in pairs
            if a is not None or m is not None
        ]

    @property
    def attention_over_mlp(self) -> float | None:
        """Median over blocks of the attention's gradient norm over the MLP's."""
        pairs = zip(self.attention_norms, self.mlp_norms, strict=True)
        ratios = sorted(a / m for a, m in pairs if a is not None and m)
        return ratios[len(ratios) // 2] if ratios else None


class GradientFlow:
    """Measures at few steps: the first ones in doubling distances, then evenly.

    A sample costs a pass over the gradients, an eighth of one over the weights, and the forward
    pass of `LOOKED_AT` images; what lies between samples costs nothing.

    Args:
        backbone: Weights without a gradient are left out.
        every: Steps between samples, 1 or more.
    """

    def __init__(self, backbone: Backbone, every: int) -> None:
        self.samples: list[FlowSample] = []
        self._backbone, self._every = backbone, every
        self._blocks = [_parts(block) for block in backbone.blocks]
        self._norms: dict[nn.Parameter, Tensor] = {}
        self._before: list[dict[nn.Parameter, Tensor]] = []

    def due(self, step: int) -> bool:
        """Whether step `step`, from 1, is looked at."""
        early = step < self._every and step & (step - 1) == 0
        return early or step % self._every == 0

    @torch.no_grad()
    def before_update(self) -> None:
        """Take the gradients' norms and the weights, after backward and unscaling."""
        trained = [w for w in self._backbone.parameters() if w.grad is not None]
        gradients = [w.grad for w in trained if w.grad is not None]
        self._norms = dict(zip(trained, torch.stack(torch._foreach_norm(gradients)), strict=True))
        self._before = [
            {w: w[::EVERY_ROW].clone() for w in (*attention, *mlp) if w in self._norms}
            for attention, mlp in self._blocks
        ]

    @torch.no_grad()
    def after_update(self, step: int, loss: float, inputs: Tensor, model: nn.Module) -> FlowSample:
        """Compare the weights with those before, and look at the attention.

        Args:
            step: From 1.
            loss: Of this step.
            inputs: Of this step, as the model saw them, batch first.
            model: What took them.
        """
        rows = [
            [
                _norm([self._norms[w] for w in attention if w in self._norms]),
                _norm([self._norms[w] for w in mlp if w in self._norms]),
                _ratio(before),
            ]
            for (attention, mlp), before in zip(self._blocks, self._before, strict=True)
        ]
        whole = torch.stack(list(self._norms.values())).norm()
        nothing = torch.full_like(whole, torch.nan)
        flat = [whole, *(value for row in rows for value in row)]
        told = torch.stack([nothing if v is None else v for v in flat]).tolist()  # one wait
        values = [None if math.isnan(value) else value for value in told]
        self._norms, self._before = {}, []
        sample = FlowSample(
            step=step,
            loss=loss,
            norm=values[0] or 0.0,
            attention_norms=tuple(values[1::3]),
            mlp_norms=tuple(values[2::3]),
            update_ratios=tuple(values[3::3]),
            spreads=tuple(attention_spread(model, inputs[:LOOKED_AT])),
        )
        self.samples.append(sample)
        return sample


def _parts(block: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """A block's matrices: those of its attention, and the others."""
    attention = {
        weight
        for module in block.modules()
        if "Attention" in type(module).__name__
        for weight in module.parameters()
    }
    matrices = [weight for weight in block.parameters() if weight.ndim >= 2]
    inside = [weight for weight in matrices if weight in attention]
    return inside, [weight for weight in matrices if weight not in attention]


def _ratio(before: Mapping[nn.Parameter, Tensor]) -> Tensor | None:
    """How far the matrices moved over what they were; those that were nothing are left out."""
    moved = [w[::EVERY_ROW] - old for w, old in before.items()]
    if not moved:
        return None
    change, size = (
        torch.stack(torch._foreach_norm(moved)),
        torch.stack(torch._foreach_norm(list(before.values()))),
    )
    ratio: Tensor = (change * (size > 0)).norm() / size.norm()
    return ratio


def _norm(values: Sequence[Tensor]) -> Tensor | None:
    """Of the parts' norms, the whole's."""
    return torch.stack(list(values)).norm() if values else None
