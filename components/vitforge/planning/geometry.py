"""The numbers that make a plain ViT: width, depth, heads, patches; and what follows from them."""

import difflib
from dataclasses import dataclass

from vitforge.errors import ConfigError


@dataclass(frozen=True)
class Geometry:
    """A plain Vision Transformer with one class token (Dosovitskiy et al. 2021,
    https://arxiv.org/abs/2010.11929)."""

    dim: int = 768
    """Width d of a token."""
    depth: int = 12
    """Blocks L."""
    heads: int = 12
    """Attention heads a block, H."""
    image_size: int = 224
    """Height and width of the input, pixels."""
    patch: int = 16
    """Height and width of a patch, pixels."""
    mlp_ratio: float = 4.0
    """Width of the MLP's hidden layer over d."""
    classes: int = 1000
    """Outputs of the head."""

    def __post_init__(self) -> None:
        for name in ("dim", "depth", "heads", "image_size", "patch", "classes"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}", mend=f"type 1 or more for {name}"
                )
        if self.dim % self.heads:
            raise ConfigError(
                f"{self.heads} heads do not divide a width of {self.dim}",
                mend=f"type {_nearest_divisor(self.dim, self.heads)} heads",
            )
        check_image_size(self.image_size, self.patch)

    @property
    def tokens(self) -> int:
        """N: one a patch, and the class token."""
        return (self.image_size // self.patch) ** 2 + 1

    @property
    def block_parameters(self) -> int:
        """Parameters of one block: q, k, v, projection, MLP, two norms."""
        d, h = self.dim, int(self.dim * self.mlp_ratio)
        return 4 * d * d + 4 * d + 2 * d * h + h + d + 4 * d

    @property
    def head_parameters(self) -> int:
        """Parameters of the classifier."""
        return self.dim * self.classes + self.classes

    @property
    def parameters(self) -> int:
        """All parameters."""
        embedding = 3 * self.patch**2 * self.dim + self.dim + self.dim + self.tokens * self.dim
        return embedding + self.depth * self.block_parameters + 2 * self.dim + self.head_parameters

    @property
    def forward_flops(self) -> int:
        """Multiplications and additions of one image's forward pass, matrix products only."""
        n, d, h = self.tokens, self.dim, int(self.dim * self.mlp_ratio)
        block = 2 * n * (4 * d * d + 2 * d * h) + 4 * n * n * d
        patches = 2 * (n - 1) * 3 * self.patch**2 * d
        return patches + self.depth * block + 2 * d * self.classes


SIZES: dict[str, tuple[int, int, int]] = {
    "tiny": (192, 12, 3),
    "small": (384, 12, 6),
    "base": (768, 12, 12),
    "large": (1024, 24, 16),
    "huge": (1280, 32, 16),
}
"""Width, depth, heads (DeiT, https://arxiv.org/abs/2012.12877, for tiny and small)."""


def named_geometry(
    size: str, image_size: int = 224, patch: int = 16, classes: int = 1000
) -> Geometry:
    """A plain ViT by its size's name.

    Args:
        size: A name in `SIZES`.
        image_size: Pixels; divisible by `patch`.
        patch: Pixels.
        classes: Outputs of the head.

    Raises:
        ConfigError: if the name is unknown (the nearest names are told) or a number does not fit.
    """
    word = size.lower().removeprefix("vit").strip("-_/ ")
    if word not in SIZES:
        near = difflib.get_close_matches(word, SIZES, n=2, cutoff=0.3) or list(SIZES)
        raise ConfigError(f"no ViT size is called {size!r}", mend=f"type {' or '.join(near)}")
    dim, depth, heads = SIZES[word]
    return Geometry(dim, depth, heads, image_size, patch, classes=classes)


def check_image_size(image_size: int, patch: int) -> None:
    """Refuse an image that patches do not tile.

    Raises:
        ConfigError: if `patch` does not divide `image_size`; the nearest sizes are told.
    """
    if image_size % patch:
        lower = image_size // patch * patch
        near = [str(size) for size in (lower, lower + patch) if size]
        raise ConfigError(
            f"an image of {image_size} pixels is not divisible by patches of {patch}",
            mend=f"type an image size of {' or '.join(near)}",
        )


def _nearest_divisor(number: int, wanted: int) -> int:
    divisors = [k for k in range(1, number + 1) if number % k == 0]
    return min(divisors, key=lambda k: abs(k - wanted))
