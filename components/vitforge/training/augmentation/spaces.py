"""RandAugment's operations and their ranges, for photographs and for glyphs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vitforge.training.augmentation import colour, geometry

Values = NDArray[np.float64]
Move = Callable[[Values], geometry.Matrices]
Recolour = Callable[[colour.Image, float], colour.Image]


@dataclass(frozen=True)
class Operation:
    """One operation and what full strength means.

    Attributes:
        apply: Makes matrices of values (geometry) or changes one image (colour).
        neutral: Its value at strength 0.
        reach: Change of the value at full strength.
        signed: Whether the change goes either way, by chance.
        moves: Whether it is geometry.
    """

    apply: Callable[..., Any]
    neutral: float
    reach: float
    signed: bool
    moves: bool

    def values(self, strength: Values, sign: Values) -> Values:
        """Strengths in [0, 1] and signs -1 or 1 to the operation's own scale."""
        return self.neutral + (sign if self.signed else 1.0) * strength * self.reach


@dataclass(frozen=True)
class Space:
    """A set of operations.

    Attributes:
        operations: Drawn from evenly, with replacement.
        chance: Of a drawn operation to be done, (0, 1].
        spread: Standard deviation of the magnitude, of 10; None draws it evenly from 0 up.
        fill_border: Whether uncovered places take the border's colour instead of the mean.
    """

    operations: tuple[Operation, ...]
    chance: float
    spread: float | None
    fill_border: bool


def _move(apply: Move, reach: float) -> Operation:
    return Operation(apply, 0.0, reach, signed=True, moves=True)


def _recolour(apply: Recolour, neutral: float, reach: float, signed: bool = False) -> Operation:
    return Operation(apply, neutral, reach, signed=signed, moves=False)


# Operations, ranges and chance are those of timm's `rand-m9-mstd0.5-inc1`, which DeiT trains with.
PHOTO = Space(
    (
        _move(geometry.rotate, 30.0),
        _move(geometry.shear_x, 0.3),
        _move(geometry.shear_y, 0.3),
        _move(geometry.translate_x, 0.45),
        _move(geometry.translate_y, 0.45),
        _recolour(colour.brightness, 1.0, 0.9, signed=True),
        _recolour(colour.contrast, 1.0, 0.9, signed=True),
        _recolour(colour.saturation, 1.0, 0.9, signed=True),
        _recolour(colour.sharpness, 1.0, 0.9, signed=True),
        _recolour(colour.posterize, 4.0, -4.0),
        _recolour(colour.solarize, 1.0, -1.0),
        _recolour(colour.solarize_add, 0.0, 110 / 255),
        _recolour(colour.invert, 0.0, 0.0),
        _recolour(colour.autocontrast, 0.0, 0.0),
        _recolour(colour.equalize, 0.0, 0.0),
    ),
    chance=0.5,
    spread=0.5,
    fill_border=False,
)
GLYPH = Space(
    (
        _move(geometry.rotate, 20.0),
        _move(geometry.shear_x, 0.2),
        _move(geometry.shear_y, 0.2),
        _move(geometry.translate_x, 0.15),
        _move(geometry.translate_y, 0.15),
        _move(geometry.scale, 0.2),
        _recolour(colour.contrast, 1.0, 0.5, signed=True),
    ),
    chance=1.0,
    spread=None,
    fill_border=True,
)
SPACES: dict[Literal["photo", "glyph"], Space] = {"photo": PHOTO, "glyph": GLYPH}
