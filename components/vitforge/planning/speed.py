"""Time of an epoch, from work and a device's speed, corrected by what was measured."""

from dataclasses import dataclass

from vitforge.config import Strategy
from vitforge.errors import ConfigError


@dataclass(frozen=True)
class EpochTime:
    """Expected time of one pass over the training images."""

    seconds: float
    images_per_second: float
    passes: float
    """Work of a training step over that of a forward pass."""
    reasons: tuple[str, ...]


def training_passes(
    strategy: Strategy, depth: int = 12, frozen_blocks: int = 0, checkpointing: bool = False
) -> float:
    """Work of a training step over that of its forward pass.

    Forward 1, gradients of inputs 1, gradients of weights 1; frozen blocks before the first trained
    one need neither gradient, LoRA's frozen matrices need no weight gradient; checkpointing repeats
    the forward pass of the blocks that have a backward one.
    """
    if strategy == "head":
        return 1.0
    live = 1.0 if strategy != "partial" else 1 - frozen_blocks / depth
    backward = 1.0 if strategy == "lora" else 2.0
    return 1.0 + live * (backward + checkpointing)


def epoch_time(
    forward_flops: int, images: int, speed: float, passes: float = 3.0, correction: float = 1.0
) -> EpochTime:
    """seconds = images · forward FLOPs · passes / speed · correction.

    Args:
        forward_flops: Of one image.
        images: Training images.
        speed: Operations a second that the device reaches, from `Device.speed`.
        passes: From `training_passes`.
        correction: Measured over expected time of past runs, from
            `vitforge.planning.correction`.

    Raises:
        ConfigError: if a number is not positive.
    """
    if min(forward_flops, images, speed, passes, correction) <= 0:
        raise ConfigError("time needs images, work and speed above 0", mend="type --images 50000")
    seconds = images * forward_flops * passes / speed * correction
    reasons = [
        f"{forward_flops / 1e9:.2f} GFLOP forward × {passes:.2f} passes, "
        f"{speed / 1e12:.3g} TFLOP/s reached"
    ]
    if correction != 1:
        reasons.append(f"× {correction:.2f}, as past runs measured")
    return EpochTime(seconds, images / seconds, passes, tuple(reasons))
