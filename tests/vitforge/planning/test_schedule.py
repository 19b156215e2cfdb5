"""Schedules by hand; the document's curve; every refusal with its way out."""

import math

import pytest

from vitforge.errors import ConfigError
from vitforge.planning.base_rate import scale_base_rate
from vitforge.planning.schedule import document_learning_rate, plan_schedule


def test_the_documents_curve_at_its_own_defaults() -> None:
    """0.0010, 2000, 50000."""
    at = {step: document_learning_rate(step, 50_000, 2_000, 1e-3) for step in range(0, 50_001, 500)}
    assert at[0] == 0
    assert at[1_000] == pytest.approx(5e-4)
    assert at[2_000] == pytest.approx(1e-3)
    assert at[14_000] == pytest.approx(1e-3 * math.cos(math.pi / 4))
    # cos(π/2) half-way through the decay, negative from there on: clamped.
    assert at[26_000] == pytest.approx(0, abs=1e-12)
    assert all(at[step] == 0 for step in at if step > 26_000)


def test_a_long_warmup_makes_the_document_start_late() -> None:
    assert document_learning_rate(10, 100, 60, 1.0) == 0  # cos(-50π/40) < 0
    assert document_learning_rate(59, 100, 60, 1.0) == pytest.approx(59 / 60)


def test_warmup_from_epochs() -> None:
    made = plan_schedule(1e-3, 3000, warmup_epochs=5, steps_per_epoch=100)
    assert made.warmup == 500
    assert made.at(499) == pytest.approx(1e-3)
    assert made.at(2999) == 0
    assert "5 epochs of 100 steps = 500" in made.reasons[0]


def test_samples_hold_both_ends_and_the_peak() -> None:
    steps = [step for step, _, _ in plan_schedule(1.0, 1000, 37).samples(5)]
    assert steps == sorted(steps)
    assert {0, 37, 999} <= set(steps)


@pytest.mark.parametrize(
    ("arguments", "cause", "mend"),
    [
        ({"warmup": 100}, "warm-up (100 steps) is not shorter", "type a warm-up of 5 steps"),
        ({"warmup": 500}, "warm-up (500 steps)", "total above 500"),
        ({"warmup": -1}, "-1 steps", "type 0"),
        ({"total": 0}, "0 steps", "1 step or more"),
        ({"base": 0.0}, "trains nothing", "type 0.001"),
        ({"base": math.nan}, "trains nothing", "type 0.001"),
        ({"minimum": 2.0}, "between 0 and the peak", "type a minimum of 0.01"),
        ({"warmup": 1, "warmup_epochs": 1}, "in steps and in epochs", "one of the two"),
        ({"warmup_epochs": 1}, "needs the steps of an epoch", "number of images"),
    ],
)
def test_refused(arguments, cause: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_schedule(**({"base": 1.0, "total": 100} | arguments))
    assert cause in caught.value.cause
    assert mend in caught.value.mend


def test_base_rates() -> None:
    assert scale_base_rate(5e-4, 1024, 512).value == pytest.approx(1e-3)  # DeiT
    assert scale_base_rate(1e-3, 64, 256).value == pytest.approx(2.5e-4)
    assert scale_base_rate(1e-3, 64, 256, "sqrt").value == pytest.approx(5e-4)
    lora = scale_base_rate(1e-4, 256, 256, strategy="lora")
    assert lora.value == pytest.approx(1e-3)
    assert "strategy lora: × 10" in lora.reasons[-1]
    for bad in ({"batch": 0}, {"reference": 0}, {"base": 0.0}):
        with pytest.raises(ConfigError, match="type"):
            scale_base_rate(**({"base": 1e-3, "batch": 64} | bad))
