"""What every backbone can do, whichever library it comes from."""

from abc import abstractmethod
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from vitforge.artifacts import BackboneSpec
from vitforge.backbones.anatomy import find_attention, find_blocks

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
Triple = tuple[float, float, float]


class Backbone(nn.Module):
    """An image classifier: images in, logits out. It never computes a loss.

    Shapes: N images, C = 3 channels, H = W = `image_size`, D features, K classes.

    Attributes:
        model: The library's own module; its state dict is what a checkpoint holds.
        spec: Enough to build this architecture again without a file or a hub.
        image_size: Height and width of the input, pixels.
        mean: Channel means that the weights were trained with, on the [0, 1] scale.
        std: Channel standard deviations that the weights were trained with.
    """

    def __init__(
        self,
        model: nn.Module,
        spec: BackboneSpec,
        image_size: int,
        mean: Triple = IMAGENET_MEAN,
        std: Triple = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.model = model
        self.spec = spec
        self.image_size = image_size
        self.mean = mean
        self.std = std

    @abstractmethod
    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images, float, to logits of shape (N, K)."""

    @abstractmethod
    def features(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images to what the head sees, shape (N, D)."""

    @property
    @abstractmethod
    def head(self) -> nn.Module:
        """The classifier; where a model has two (distilled DeiT), a list of both."""

    @abstractmethod
    def embedding_parameters(self) -> list[nn.Parameter]:
        """Patch projection, position embeddings, class tokens: all that precedes the blocks."""

    @property
    def blocks(self) -> list[nn.Module]:
        """Residual blocks from the input to the output: transformer blocks, or ConvNeXt's."""
        return find_blocks(self.model)

    def attention_modules(self) -> list[nn.Module]:
        """Self-attention modules, one a block, from the input to the output; ConvNeXt has none."""
        return find_attention(self.model)

    @property
    def is_plain(self) -> bool:
        """Whether tokens know their place from what was added to them before the first block only.

        Then tokens may be left out, and images of another size seen. Windows, rotary embeddings
        and relative position biases forbid both.
        """
        if len(self.attention_modules()) != len(self.blocks) or not self.blocks:
            return False
        if any("Window" in type(m).__name__ for m in self.attention_modules()):
            return False
        names = [name for name, _ in (*self.model.named_modules(), *self.model.named_parameters())]
        return not any(part in name for name in names for part in ("position_bias", "rope"))

    @abstractmethod
    def any_size(self) -> AbstractContextManager[None]:
        """While inside, a plain backbone takes images of any size that its patches divide; position
        embeddings are interpolated."""

    @property
    def tokens(self) -> int:
        """Tokens that the first block sees, class tokens included; 0 where nothing attends."""
        blocks = self.blocks
        if not self.attention_modules():
            return 0
        seen: list[int] = []

        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen.append(inputs[0].shape[1:-1].numel())  # (N, T, D), or (N, H, W, D) in Swin

        hook = blocks[0].register_forward_pre_hook(note)
        was_training = self.training
        try:
            with torch.no_grad():
                weight = next(self.parameters())
                self.eval()
                self(torch.zeros(1, 3, self.image_size, self.image_size).to(weight))
        finally:
            hook.remove()
            self.train(was_training)
        return seen[0]

    @property
    def parameter_count(self) -> int:
        """All parameters, count."""
        return sum(p.numel() for p in self.parameters())
