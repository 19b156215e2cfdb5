"""Learning rate over time: linear warm-up into a cosine."""

import math


def learning_rate(step: int, total: int, warmup: int, base: float, minimum: float = 0.0) -> float:
    """Learning rate of one optimizer step.

    Rises by `base / warmup` a step to reach `base` with the last warm-up step, then falls along
    half a cosine to `minimum` with the last step.

    Args:
        step: Step about to be taken, from 0, below `total`.
        total: Steps of the whole training.
        warmup: Steps of warm-up, below `total`; 0 = none.
        base: Peak.
        minimum: Where the cosine ends.

    Raises:
        ValueError: if `step` or `warmup` lies outside [0, total).

    Source: Goyal et al. 2017, https://arxiv.org/abs/1706.02677 (warm-up);
        Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983 (cosine)
    """
    if not 0 <= step < total or not 0 <= warmup < total:
        raise ValueError(f"step {step} and warmup {warmup} must lie in [0, {total})")
    if step < warmup:
        return base * (step + 1) / warmup
    peak = max(0, warmup - 1)
    progress = (step - peak) / max(1, total - 1 - peak)
    return minimum + 0.5 * (base - minimum) * (1 + math.cos(math.pi * progress))
