"""One demand against one number: PASS, FAIL, or not enough images to say."""

import math
from typing import Literal

from vitforge.artifacts import GateRow, MetricRow
from vitforge.config import Gate
from vitforge.config.data import Task
from vitforge.gates.measured import Measured
from vitforge.report import number_text

Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE", "NOT APPLICABLE"]
Decision = Literal["PASS", "FAIL", "INCONCLUSIVE"]
_ROUNDING = 1e-9
"""1 - 0.99 is a little over 0.01."""


def decide(gate: Gate, measured: Measured) -> GateRow:
    """Judge one gate.

    On `bound` the whole interval must clear the threshold to PASS and miss it to FAIL; a number
    without an interval is judged on its value. From no images nothing follows.
    """
    row = measured.row
    on_bound = gate.judged_on == "bound" and row.low is not None and row.high is not None
    low, high = (row.low, row.high) if on_bound else (row.value, row.value)
    assert low is not None and high is not None
    outcome = judge_interval(low, high, gate.at_least, gate.at_most) if row.n else "INCONCLUSIVE"
    told = [measured.source]
    if gate.judged_on == "bound" and not on_bound:
        told.append("judged on the value, for it has no interval")
    elif not on_bound:
        told.append("judged on the value")
    if row.note and row.n:
        told.append(row.note)
    if gate.why and outcome != "PASS":
        told.append(gate.why)
    if outcome == "FAIL" and not gate.blocks:
        told.append("an alarm: it does not refuse the model")
    return GateRow(
        metric=gate.metric,
        slice=gate.slice,
        outcome=outcome,
        value=row.value if row.n else None,
        low=row.low,
        high=row.high,
        n=row.n,
        threshold=threshold_text(gate),
        blocks=_blocks(gate, outcome),
        evidence="; ".join(told),
        change=_what_would_change(gate, row, outcome),
    )


def not_measured(gate: Gate, change: str) -> GateRow:
    """A gate on something that was not measured; `change` says how it would be."""
    return _without_value(gate, "INCONCLUSIVE", "not measured", change)


def not_applicable(gate: Gate, task: Task) -> GateRow:
    """A gate on something that the model's task does not have."""
    name = task.replace("_", "-")
    told = f"a {name} task has no {gate.metric}"
    return _without_value(gate, "NOT APPLICABLE", told, "nothing: the gate is for other tasks")


def _without_value(gate: Gate, outcome: Outcome, evidence: str, change: str) -> GateRow:
    return GateRow(
        metric=gate.metric,
        slice=gate.slice,
        outcome=outcome,
        value=None,
        low=None,
        high=None,
        n=0,
        threshold=threshold_text(gate),
        blocks=_blocks(gate, outcome),
        evidence=evidence,
        change=change,
    )


def judge_interval(
    low: float, high: float, at_least: float | None, at_most: float | None
) -> Decision:
    """Where an interval lies against a threshold; exactly one of the two is given."""
    if at_least is not None:
        low, high, limit = -high, -low, -at_least
    else:
        assert at_most is not None
        limit = at_most
    if high <= limit + _ROUNDING:
        return "PASS"
    # A NaN compares with nothing: it must not pass, and no more images would mend it.
    return "INCONCLUSIVE" if low <= limit + _ROUNDING else "FAIL"


def threshold_text(gate: Gate) -> str:
    """`>= 0.96` or `<= 0.01`."""
    return f">= {gate.at_least:g}" if gate.at_least is not None else f"<= {gate.at_most:g}"


def images_needed(value: float, bound: float, limit: float, n: int) -> int | None:
    """Images at which the interval would no longer hold the limit, were the value to stay.

    An interval's reach shrinks with the square root of n. None when the value lies on the limit,
    which no number of images decides.
    """
    distance = abs(value - limit)
    if distance <= _ROUNDING:
        return None
    return math.ceil(n * ((bound - value) / distance) ** 2)


def what_would_decide(
    value: float, low: float | None, high: float | None, limit: float, n: int
) -> str:
    """Of an undecided number: how many images would decide it."""
    if low is None or high is None:
        return "an interval, or gates.rules judged_on: value"
    needed = images_needed(value, low if value > limit else high, limit, n)
    if needed is None:
        return "the value lies on the threshold: no number of images would decide it"
    return f"about {_round_up(needed):,} images would decide it, were the value to stay"


def _what_would_change(gate: Gate, row: MetricRow, outcome: Outcome) -> str:
    limit = gate.at_least if gate.at_least is not None else gate.at_most
    assert limit is not None
    if not row.n:
        return f"undecided: {row.note}"
    if outcome == "INCONCLUSIVE":
        return what_would_decide(row.value, row.low, row.high, limit, row.n)
    distance = number_text(abs(row.value - limit))
    if outcome == "FAIL":
        side = "or more" if gate.at_least is not None else "or less"
        return f"{limit:g} {side}; it is {distance} away"
    side = "below" if gate.at_least is not None else "above"
    return f"would no longer pass {side} {limit:g}; {distance} away from it"


def _round_up(n: int) -> int:
    """To two leading digits."""
    unit = int(10 ** max(len(str(n)) - 2, 0))
    return math.ceil(n / unit) * unit


def _blocks(gate: Gate, outcome: Outcome) -> bool:
    failed = outcome == "FAIL" and gate.blocks
    return failed or (outcome == "INCONCLUSIVE" and gate.inconclusive_blocks)
