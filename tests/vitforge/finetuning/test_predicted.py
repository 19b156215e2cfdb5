"""Predicted against measured, as metrics."""

import json
from pathlib import Path

import pytest
import torch

from vitforge.artifacts import BackboneSpec, Plan
from vitforge.config import FinetuningConfig
from vitforge.finetuning.predicted import tell_errors, with_peak_memory
from vitforge.tracking import StepRun

PLAN = Plan(
    backbone=BackboneSpec(library="timm", name="x", pretrained=False, label=""),
    strategy="full", epochs=1, seed=0, recipe=FinetuningConfig(), image_size=8, candidates=(),
    reasons=(), expected_seconds=3.0, predicted_memory_mib=110.0,
)  # fmt: skip


def logged(folder: Path, seconds: float, memory: float | None) -> tuple[dict[str, float], str]:
    with StepRun("finetune_model", folder) as run:
        tell_errors(run, PLAN, seconds, memory)
    text = (folder / "finetune_model" / "events.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    return next(row["values"] for row in rows if row["kind"] == "metrics"), text


def test_errors_by_hand(tmp_path: Path) -> None:
    values, _ = logged(tmp_path, seconds=2.0, memory=100.0)
    assert values == {
        "seconds_predicted": 3.0, "seconds_measured": 2.0, "seconds_error": pytest.approx(0.5),
        "memory_predicted_mib": 110.0, "memory_measured_mib": 100.0,
        "memory_error": pytest.approx(0.1),
    }  # fmt: skip


def test_without_a_gpu_it_is_said_that_memory_is_not_measured(tmp_path: Path) -> None:
    values, text = logged(tmp_path, seconds=2.0, memory=None)
    assert "memory_error" not in values and values["memory_predicted_mib"] == 110.0
    assert "not measured" in text


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_no_number_is_made_up_on_a_cpu() -> None:
    assert with_peak_memory(lambda: 7) == (7, None)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_allocators_peak() -> None:
    _, mib = with_peak_memory(lambda: torch.zeros(2**20, device="cuda").sum().item())
    assert mib is not None and mib >= 4
