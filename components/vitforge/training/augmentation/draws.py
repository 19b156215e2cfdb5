"""Random numbers that belong to an image, not to the batch that it happens to be in.

A draw depends on the seed, the pass and the image alone: any batch size, any number of processes
and any number of threads see the same augmented images.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniforms(key: tuple[int, ...], index_N: NDArray[np.int64], columns: int) -> Values:
    """Numbers in [0, 1), even and independent, shape (N, columns).

    Args:
        key: What tells this drawing from another: the seed, the pass, the purpose.
        index_N: The images' positions in the data set.
        columns: Numbers an image.

    Source: SplitMix64's finaliser over a counter, Steele, Lea and Flood 2014,
        https://doi.org/10.1145/2660193.2660195
    """
    state = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in key:
            state = _mix(state + np.array([part], dtype=np.uint64))
        state_N = _mix(state + index_N.astype(np.uint64))
        bits_NC = _mix(state_N[:, None] + np.arange(columns).astype(np.uint64))
    numbers: Values = (bits_NC >> np.uint64(11)).astype(np.float64) / 2.0**53
    return numbers


def normal(first_N: Values, second_N: Values) -> Values:
    """Standard normal numbers from two uniform ones each (Box and Muller 1958)."""
    radius = np.sqrt(-2 * np.log1p(-first_N))
    numbers: Values = radius * np.cos(2 * np.pi * second_N)
    return numbers


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state * _GOLDEN + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
