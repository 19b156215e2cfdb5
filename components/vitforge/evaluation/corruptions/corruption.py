"""What a corruption is: a name, five severities, and a function of pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
"""Images as float32 of shape (N, 3, H, W), RGB, [0, 1]."""
Draws = Sequence[np.random.Generator]
"""One random generator an image, so that an image's draws do not depend on its batch."""
Family = Literal["noise", "blur", "weather", "digital", "conditions"]

CANONICAL_SIZE = 224
"""Height and width, pixels, that the published parameters were chosen for."""


@dataclass(frozen=True)
class Corruption:
    """One way in which images get worse."""

    name: str
    family: Family
    apply: Callable[[Pixels, Any, Draws], Pixels]
    """Pixels, one severity's parameters and the draws, to pixels; may leave [0, 1]."""
    severities: tuple[Any, Any, Any, Any, Any]
    """Parameters of severities 1 to 5."""
    stochastic: bool = False
    """Whether the answer depends on the draws."""
    set: Literal["main", "extra", "conditions"] = "main"
    """`main`: ImageNet-C's 15, which its mean is made of; `extra`: its 4 held-out ones;
    `conditions`: lighting, angle, occlusion and resolution."""


def length_scale(pixels: Pixels) -> float:
    """Shorter side over 224: lengths are multiplied by it.

    A blur then covers the same share of the picture at any size. ImageNet-C's authors chose about
    these values for 32 pixels: defocus radii .3 to 1.5 in CIFAR-10-C, .43 to 1.43 by this rule.
    """
    return float(min(pixels.shape[-2:])) / CANONICAL_SIZE
