"""When a training is going wrong in a way that its gradients and its attention show."""

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Literal

from vitforge.planning.attention import COLLAPSE_DIVERSITY, COLLAPSE_ENTROPY, DOCUMENT_LN_N
from vitforge.training.attention_flow import HeadSpread
from vitforge.training.gradient_flow import FlowSample

VANISHED = 1e-3
"""First trained block's gradient norm over the last one's, at or below which it vanishes."""
EXPLODED_NORM = 100.0
"""Gradient norm over the median of the samples before it, from which it explodes, if the loss is
above its start too: a net that has learned all meets an odd batch with a norm like that."""
EXPLODED_UPDATE = 0.2
"""Change of a step over the weights themselves, from which the updates explode."""
IN_A_ROW = 2
"""Samples that must agree before an alarm is raised: one alone may be an odd batch."""
WARM = 3
"""Samples before a median means anything."""

Kind = Literal["vanishing", "exploding", "collapse"]


@dataclass(frozen=True)
class Alarm:
    """One thing that goes wrong."""

    kind: Kind
    step: int
    saw: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.saw} (step {self.step}); {self.remedy}"


class Alarms:
    """Hears every sample and raises each kind of alarm once.

    What follows an explosion is no news: after that alarm no other is raised.
    """

    def __init__(self) -> None:
        self.raised: list[Alarm] = []
        self._norms: deque[float] = deque(maxlen=20)
        self._first_loss = math.inf
        self._streak = {"vanishing": 0, "exploding": 0, "collapse": 0}

    def hear(self, sample: FlowSample) -> list[Alarm]:
        """Judge a sample; the alarms that it sets off for the first time."""
        if math.isinf(self._first_loss):
            self._first_loss = sample.loss
        seen = {
            "exploding": self._exploding(sample),
            "vanishing": _vanishing(sample),
            "collapse": _collapse(sample),
        }
        new = []
        for kind, alarm in seen.items():
            self._streak[kind] = self._streak[kind] + 1 if alarm else 0
            if alarm and self._streak[kind] == IN_A_ROW and self._is_new(alarm):
                new.append(alarm)
                self.raised.append(alarm)
        if not seen["exploding"]:  # an explosion must not become what is usual
            self._norms.append(sample.norm)
        return new

    def _is_new(self, alarm: Alarm) -> bool:
        return all(other.kind not in (alarm.kind, "exploding") for other in self.raised)

    def _exploding(self, sample: FlowSample) -> Alarm | None:
        usual = median(self._norms) if len(self._norms) >= WARM else math.inf
        update = max((r for r in sample.update_ratios if r is not None), default=0.0)
        if sample.norm > EXPLODED_NORM * usual and sample.loss > self._first_loss:
            saw = f"the gradient's norm is {sample.norm:.3g}, usually {usual:.3g}: it explodes"
        elif update > EXPLODED_UPDATE:
            saw = f"one step changes a block's weights by {update:.0%}: updates explode"
        else:
            return None
        remedy = "lower finetuning.learning_rate to a third, or lengthen finetuning.warmup_epochs"
        return Alarm("exploding", sample.step, saw, remedy)


def _vanishing(sample: FlowSample) -> Alarm | None:
    norms = sample.block_norms
    if len(norms) < 2 or norms[-1] == 0 or norms[0] > VANISHED * norms[-1]:
        return None
    return Alarm(
        "vanishing",
        sample.step,
        f"the first trained block's gradient is {norms[0] / norms[-1]:.1g} of the last one's: "
        "it vanishes on its way",
        "take a backbone that normalises before attention and MLP and keeps both residual "
        "connections, or freeze the blocks that do not learn (finetuning.frozen_blocks)",
    )


def _collapse(sample: FlowSample) -> Alarm | None:
    fallen = [at for at, spread in enumerate(sample.spreads) if _has_collapsed(spread)]
    if not fallen or 2 * len(fallen) < len(sample.spreads):
        return None
    lowest = min(sample.spreads[at].entropy for at in fallen)
    return Alarm(
        "collapse",
        sample.step,
        f"in {len(fallen)} of {len(sample.spreads)} layers all heads look at the same few tokens "
        f"(entropy down to {lowest:.2f} nats): attention collapsed",
        "lengthen finetuning.warmup_epochs and lower finetuning.learning_rate; more "
        "finetuning.drop_path keeps heads apart",
    )


def _has_collapsed(spread: HeadSpread) -> bool:
    """The document's bands, read for 197 tokens, scaled to this number."""
    narrow = spread.entropy <= COLLAPSE_ENTROPY * math.log(spread.keys) / DOCUMENT_LN_N
    return narrow and spread.diversity <= COLLAPSE_DIVERSITY
