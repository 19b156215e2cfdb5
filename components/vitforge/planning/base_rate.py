"""Peak learning rate, scaled by batch size and strategy."""

import math
from dataclasses import dataclass
from typing import Literal

from vitforge.config import Strategy
from vitforge.errors import ConfigError
from vitforge.planning.batch import check_batch

STRATEGY_FACTOR: dict[Strategy, float] = {
    "full": 1.0,
    "partial": 1.0,
    "lp_ft": 1.0,
    "gradual": 1.0,
    "head": 10.0,
    "lora": 10.0,
}
"""Rate relative to training all weights. LoRA's ten is Schulman et al. 2025 ("LoRA Without
Regret", measured on language models); the head's ten is custom, for a linear classifier on fixed
features has no pretrained weights to spoil."""


@dataclass(frozen=True)
class BaseRate:
    """A scaled learning rate and how it came about."""

    value: float
    reasons: tuple[str, ...]


def scale_base_rate(
    base: float,
    batch: int,
    reference: int = 512,
    rule: Literal["linear", "sqrt"] = "linear",
    strategy: Strategy = "full",
) -> BaseRate:
    """Scale a published learning rate to another batch size and strategy.

    linear: base · batch / reference; sqrt: base · √(batch / reference).

    Args:
        base: Learning rate at `reference` images a step, above 0.
        batch: Images an optimizer step: images a device × devices × accumulated steps.
        reference: Images a step that `base` was published for: 512 in DeiT, 256 in MAE.
        rule: `linear` is DeiT's; `sqrt` is what theory gives for Adam and is the milder one.
        strategy: Multiplies by `STRATEGY_FACTOR`.

    Raises:
        ConfigError: if a number is not positive.

    Source: Goyal et al. 2017, https://arxiv.org/abs/1706.02677 (linear);
        Malladi et al. 2022, https://arxiv.org/abs/2205.10287 (square root);
        Touvron et al. 2021, https://arxiv.org/abs/2012.12877 (5e-4 · batch / 512)
    """
    check_batch(batch)
    if reference < 1:
        raise ConfigError(f"a reference batch of {reference}", mend="type 256 (MAE) or 512 (DeiT)")
    if base <= 0 or not math.isfinite(base):
        raise ConfigError(f"a learning rate of {base:g} trains nothing", mend="type 5e-4")
    ratio = batch / reference
    scaled = base * (ratio if rule == "linear" else math.sqrt(ratio))
    reasons = [f"{rule} rule: {base:g} × batch {batch} against {reference} = {scaled:.3g}"]
    factor = STRATEGY_FACTOR[strategy]
    if factor != 1:
        reasons.append(f"strategy {strategy}: × {factor:g} = {scaled * factor:.3g}")
    return BaseRate(scaled * factor, tuple(reasons))
