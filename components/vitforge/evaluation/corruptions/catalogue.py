"""All corruptions by name, and the one way to apply them."""

import zlib

import numpy as np
from numpy.typing import NDArray

from vitforge.evaluation.corruptions.blur import BLUR
from vitforge.evaluation.corruptions.conditions import CONDITIONS
from vitforge.evaluation.corruptions.corruption import Corruption
from vitforge.evaluation.corruptions.digital import DIGITAL
from vitforge.evaluation.corruptions.noise import NOISE
from vitforge.evaluation.corruptions.spatter import SPATTER
from vitforge.evaluation.corruptions.weather import WEATHER

CORRUPTIONS: dict[str, Corruption] = {
    kind.name: kind for kind in (*NOISE, *BLUR, *WEATHER, *SPATTER, *DIGITAL, *CONDITIONS)
}


def corrupt(
    images_NHWC: NDArray[np.uint8], name: str, severity: int, *, seed: int = 0, first: int = 0
) -> NDArray[np.uint8]:
    """Make images worse in one way.

    Args:
        images_NHWC: RGB images of one size.
        name: A key of `CORRUPTIONS`.
        severity: 1 to 5.
        seed: Seed of what is drawn.
        first: The first image's place in the data: image i draws the same in whatever batch.

    Returns:
        Images of the same shape, rounded down as ImageNet-C's were.

    Raises:
        ValueError: if the severity is not 1 to 5.
        KeyError: if there is no such corruption.
    """
    if severity not in range(1, 6):
        raise ValueError(f"severity {severity} is not 1 to 5")
    kind = CORRUPTIONS[name]
    key = [seed, zlib.crc32(name.encode()), severity]
    draws = [np.random.default_rng([*key, first + i]) for i in range(len(images_NHWC))]
    pixels = np.ascontiguousarray(images_NHWC.transpose(0, 3, 1, 2), dtype=np.float32)
    out = kind.apply(pixels / np.float32(255), kind.severities[severity - 1], draws)
    # Values that are whole but for float32's rounding must not fall to the next lower one.
    levels = np.floor(np.clip(out, 0, 1) * 255 + np.float32(1e-3)).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))
