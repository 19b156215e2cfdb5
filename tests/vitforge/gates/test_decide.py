"""The three states, and what would change them."""

import pytest

from vitforge.artifacts import MetricRow
from vitforge.config import Gate
from vitforge.gates.decide import decide, images_needed, judge_interval
from vitforge.gates.measured import Measured
from vitforge.statistics import wilson


def top1(value: float, n: int) -> Measured:
    low, high = wilson(value * n, n)
    row = MetricRow(name="top1", value=value, low=low, high=high, n=n, note="Wilson")
    return Measured(row, "metrics.json")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.91, 0.95, "PASS"), (0.9, 0.95, "PASS"), (0.89, 0.95, "INCONCLUSIVE"), (0.8, 0.89, "FAIL"),
     (0.8, 0.9, "INCONCLUSIVE")],
)  # fmt: skip
def test_at_least_and_its_mirror(low: float, high: float, expected: str) -> None:
    assert judge_interval(low, high, 0.9, None) == expected
    assert judge_interval(-high, -low, None, -0.9) == expected


def test_rounding_does_not_refuse() -> None:
    assert judge_interval(1 - 0.99, 1 - 0.99, None, 0.01) == "PASS"


def test_the_bound_decides_not_the_value() -> None:
    gate = Gate(metric="top1", at_least=0.95, why="people rely on it")
    row = decide(gate, top1(0.96, 200))
    assert (row.outcome, row.blocks, row.threshold) == ("INCONCLUSIVE", False, ">= 0.95")
    assert "images would decide it" in row.change
    assert "people rely on it" in row.evidence
    assert decide(gate, top1(0.96, 5000)).outcome == "PASS"
    assert decide(gate, top1(0.90, 500)).outcome == "FAIL"
    strict = gate.model_copy(update={"inconclusive_blocks": True})
    assert decide(strict, top1(0.96, 200)).blocks


def test_on_value_the_value_decides() -> None:
    gate = Gate(metric="top1", at_least=0.95, judged_on="value")
    assert decide(gate, top1(0.95, 20)).outcome == "PASS"
    assert decide(gate, top1(0.94, 50)).outcome == "FAIL"


def test_the_images_asked_for_do_decide() -> None:
    measured = top1(0.96, 200)
    needed = images_needed(0.96, measured.row.low, 0.95, 200)
    low, _ = wilson(0.96 * needed, needed)
    assert low == pytest.approx(0.95, abs=0.002)
    assert images_needed(0.95, 0.9, 0.95, 200) is None


def test_no_interval_and_no_images() -> None:
    row = MetricRow(name="mcc", value=0.9, n=50, note="no interval")
    judged = decide(Gate(metric="mcc", at_least=0.8), Measured(row, "metrics.json"))
    assert judged.outcome == "PASS"
    assert "no interval" in judged.evidence
    empty = MetricRow(name="x", value=0, low=0, high=1, n=0, note="nothing is sure")
    judged = decide(
        Gate(metric="x", at_least=0.0, judged_on="value"), Measured(empty, "metrics.json")
    )
    assert (judged.outcome, judged.value) == ("INCONCLUSIVE", None)
    assert "nothing is sure" in judged.change
