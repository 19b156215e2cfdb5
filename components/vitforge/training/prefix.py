"""Where a backbone's frozen part ends, and running either side of that boundary alone.

No model is taken apart by its library's private names. Autograd says how far the frozen part
reaches; the part behind it is run by the model's own forward, in which the frozen blocks answer
with what was stored.
"""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from vitforge.backbones import Backbone
from vitforge.training.block_outputs import (
    activations_of,
    answering,
    block_outputs,
    evaluating,
    with_activations,
)


class FrozenSplit(nn.Module):
    """A backbone cut where its frozen part ends; as a module it is the part that is trained."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    @abstractmethod
    def capture(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images to the activations at the boundary, shape (N, ...)."""

    @abstractmethod
    def forward(self, activations: Tensor) -> Tensor:
        """Activations at the boundary to what the backbone answers, shape (N, K)."""

    @property
    @abstractmethod
    def frozen_share(self) -> float:
        """Share of a forward pass that lies before the boundary, (0, 1], by parameters."""


class SplitAtHead(FrozenSplit):
    """All but the head is frozen: activations are the head's inputs."""

    def capture(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images to features, shape (N, D); (N, 2, D) where there are two heads."""
        seen: dict[int, Tensor] = {}
        heads = _heads(self.backbone)
        hooks = [
            head.register_forward_pre_hook(
                lambda _, inputs, at=at: seen.__setitem__(at, inputs[0].detach())
            )
            for at, head in enumerate(heads)
        ]
        try:
            self.backbone(images_NCHW)
        finally:
            for hook in hooks:
                hook.remove()
        return seen[0] if len(heads) == 1 else torch.stack([seen[at] for at in seen], dim=1)

    def forward(self, activations: Tensor) -> Tensor:
        """Features to logits; two heads are averaged."""
        heads = _heads(self.backbone)
        if len(heads) == 1:
            return torch.as_tensor(heads[0](activations))
        parts = [head(activations[:, at]) for at, head in enumerate(heads)]
        return torch.stack(parts).mean(dim=0)

    @property
    def frozen_share(self) -> float:
        """All of it."""
        return 1.0


class SplitAtBlock(FrozenSplit):
    """The first blocks are frozen: activations are the last frozen block's output.

    Args:
        backbone: Its blocks after the boundary must need nothing of the frozen part but this.
        frozen: Frozen blocks, count, from 1.
    """

    def __init__(self, backbone: Backbone, frozen: int) -> None:
        super().__init__(backbone)
        self._frozen = backbone.blocks[:frozen]
        weight = next(backbone.parameters())
        # One blank image walks the embedding, and gives the blocks' outputs their form.
        self._blank = torch.zeros(1, 3, backbone.image_size, backbone.image_size).to(weight)
        with torch.no_grad(), evaluating(backbone):
            self._answers = block_outputs(backbone, self._blank, self._frozen)

    def capture(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images to the last frozen block's output; what follows is not run."""
        reached: list[Tensor] = []

        def stop(_: nn.Module, __: Any, output: Any) -> None:
            reached.append(activations_of(output).detach())
            raise _ReachedError

        hook = self._frozen[-1].register_forward_hook(stop)
        try:
            self.backbone(images_NCHW)
        except _ReachedError:
            pass
        finally:
            hook.remove()
        return reached[0]

    def forward(self, activations: Tensor) -> Tensor:
        """The last frozen block's output to logits."""
        answers = [*self._answers[:-1], with_activations(self._answers[-1], activations)]
        with answering(self._frozen, answers):
            return torch.as_tensor(self.backbone(self._blank))

    @property
    def frozen_share(self) -> float:
        """Parameters of the frozen blocks over those of all blocks."""
        frozen = sum(p.numel() for block in self._frozen for p in block.parameters())
        return frozen / sum(p.numel() for block in self.backbone.blocks for p in block.parameters())


def split_frozen(backbone: Backbone) -> FrozenSplit | None:
    """Cut a backbone where its frozen part ends.

    Args:
        backbone: With `requires_grad` set as it will be trained.

    Returns:
        None where no block is frozen, or where what lies behind the boundary needs more of the
        frozen part than its activations.
    """
    frozen, all_but_head = _frozen_depth(backbone)
    if all_but_head:
        split: FrozenSplit = SplitAtHead(backbone)
    elif frozen:
        split = SplitAtBlock(backbone, frozen)
    else:
        return None
    return split if _answers_alike(split) else None


@torch.no_grad()
def _answers_alike(split: FrozenSplit, tolerance: float = 1e-4) -> bool:
    """Whether noise gives the same logits through both parts as through the whole."""
    backbone = split.backbone
    generator = torch.Generator().manual_seed(0)
    size = backbone.image_size
    images = torch.randn(3, 3, size, size, generator=generator).to(next(backbone.parameters()))
    with evaluating(backbone):
        whole = backbone(images)
        try:
            parts = split(split.capture(images))
        except (RuntimeError, TypeError, ValueError, IndexError):
            return False  # what follows looks at the frozen part's own shapes
    return parts.shape == whole.shape and torch.allclose(
        parts, whole, rtol=tolerance, atol=tolerance
    )


def _frozen_depth(backbone: Backbone) -> tuple[int, bool]:
    """Blocks whose outputs need no gradient, and whether that holds for the head's inputs too."""
    weight = next(backbone.parameters())
    blank = torch.zeros(1, 3, backbone.image_size, backbone.image_size).to(weight)
    inputs: list[bool] = []
    hooks = [
        head.register_forward_pre_hook(lambda _, given: inputs.append(given[0].requires_grad))
        for head in _heads(backbone)
    ]
    try:
        with torch.enable_grad(), evaluating(backbone):
            outputs = block_outputs(backbone, blank, backbone.blocks)
    finally:
        for hook in hooks:
            hook.remove()
    moving = [activations_of(output).requires_grad for output in outputs]
    return (moving.index(True) if True in moving else len(moving)), not any(inputs)


def _heads(backbone: Backbone) -> list[nn.Module]:
    head = backbone.head
    return list(head) if isinstance(head, nn.ModuleList) else [head]


class _ReachedError(Exception):
    """The boundary was reached."""
