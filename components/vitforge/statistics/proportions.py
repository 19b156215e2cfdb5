"""Intervals for proportions, shared by every step that counts right answers."""

import math
from statistics import NormalDist


def wilson(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion; unlike the normal one it holds near 0 and 1.

    Args:
        successes: Right answers, [0, n].
        n: Answers, 1 or more.
        level: Confidence level, (0, 1).

    Returns:
        Lower and upper bound, [0, 1].

    Raises:
        ValueError: if `n` is not positive, or `successes` or `level` is out of range.

    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953
    """
    if n < 1 or not 0 <= successes <= n or not 0.0 < level < 1.0:
        raise ValueError(f"no interval for {successes} of {n} at level {level}")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / n
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)
