"""Learning rate over time: the engine's curve, and the document's beside it."""

import math
from dataclasses import dataclass

from vitforge.errors import ConfigError


def learning_rate(step: int, total: int, warmup: int, base: float, minimum: float = 0.0) -> float:
    """Learning rate of one optimizer step: linear warm-up into half a cosine.

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


def document_learning_rate(step: int, total: int, warmup: int, base: float) -> float:
    """The document's curve, lr(t) = base · min(t / warmup, cos(π (t - warmup) / (total - warmup))).

    Its cosine is neither halved nor raised, so it reaches 0 half-way through the decay and -base
    at the end. A negative rate would climb the loss; it is clamped to 0, which leaves the second
    half of the decay without training. Where the warm-up is longer than a third of the whole, the
    cosine is negative at the start too. `learning_rate` is what the engine uses.

    Args:
        step: t, in [0, total].
        total: Steps of the whole training.
        warmup: Steps of warm-up, in [0, total); at 0 the cosine alone holds.
        base: Peak.

    Returns:
        Learning rate in [0, base].

    Raises:
        ValueError: if `step` or `warmup` lies outside its range.
    """
    if not 0 <= step <= total or not 0 <= warmup < total:
        raise ValueError(f"step {step} and warmup {warmup} must lie in [0, {total}]")
    rise = step / warmup if warmup else 1.0
    return max(0.0, base * min(rise, math.cos(math.pi * (step - warmup) / (total - warmup))))


@dataclass(frozen=True)
class Schedule:
    """A whole training's learning rate, checked."""

    base: float
    """Peak, reached with the last warm-up step."""
    minimum: float
    """Where the engine's cosine ends."""
    warmup: int
    """Steps."""
    total: int
    """Steps."""
    reasons: tuple[str, ...] = ()
    """What was computed from what."""

    def at(self, step: int) -> float:
        """The engine's learning rate of one step, from 0."""
        return learning_rate(step, self.total, self.warmup, self.base, self.minimum)

    def document_at(self, step: int) -> float:
        """The document's learning rate at one step, from 0, clamped at 0."""
        return document_learning_rate(step, self.total, self.warmup, self.base)

    def samples(self, count: int = 200) -> list[tuple[int, float, float]]:
        """(step, engine, document) at evenly spaced steps, first and last included."""
        last = self.total - 1
        steps = {round(last * i / max(1, count - 1)) for i in range(count)} | {self.warmup}
        return [(step, self.at(step), self.document_at(step)) for step in sorted(steps)]


def plan_schedule(
    base: float,
    total: int,
    warmup: int | None = None,
    warmup_epochs: float | None = None,
    steps_per_epoch: int = 0,
    minimum: float = 0.0,
    reasons: tuple[str, ...] = (),
) -> Schedule:
    """Check a schedule; warm-up in steps, or in epochs.

    Args:
        base: Peak learning rate, above 0.
        total: Steps of the whole training, 1 or more.
        warmup: Warm-up, steps; None takes `warmup_epochs`, or none at all.
        warmup_epochs: Warm-up, epochs; needs `steps_per_epoch`.
        steps_per_epoch: Optimizer steps an epoch.
        minimum: Where the cosine ends, [0, base].
        reasons: Told on in the result.

    Raises:
        ConfigError: if a value is out of range, warm-up is given twice, or is not shorter than the
            training.
    """
    if base <= 0 or not math.isfinite(base):
        raise ConfigError(f"a learning rate of {base:g} trains nothing", mend="type 0.001")
    if total < 1:
        raise ConfigError(f"{total} steps train nothing", mend="type a total of 1 step or more")
    if not 0 <= minimum <= base:
        raise ConfigError(
            f"the last learning rate ({minimum:g}) must lie between 0 and the peak ({base:g})",
            mend=f"type a minimum of {base / 100:g}",
        )
    if warmup is not None and warmup_epochs is not None:
        raise ConfigError(
            "warm-up is given in steps and in epochs", mend="type one of the two, not both"
        )
    told = list(reasons)
    if warmup_epochs is not None:
        if steps_per_epoch < 1:
            raise ConfigError(
                "warm-up in epochs needs the steps of an epoch",
                mend="type the number of images and the batch size, or warm-up in steps",
            )
        warmup = round(warmup_epochs * steps_per_epoch)
        told.append(f"warm-up: {warmup_epochs:g} epochs of {steps_per_epoch} steps = {warmup}")
    warmup = warmup or 0
    if warmup < 0:
        raise ConfigError(f"a warm-up of {warmup} steps is no warm-up", mend="type 0 for none")
    if warmup >= total:
        raise ConfigError(
            f"the warm-up ({warmup} steps) is not shorter than the training ({total} steps): "
            "the peak would never be left",
            mend=f"type a warm-up of {max(0, total // 20)} steps (a twentieth), "
            f"or a total above {warmup}",
        )
    return Schedule(base, minimum, warmup, total, tuple(told))
