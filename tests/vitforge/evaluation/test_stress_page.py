"""The report's pictures are drawn from what was measured, and from nothing else."""

import numpy as np

from vitforge.artifacts import MetricRow
from vitforge.config import EvaluationConfig
from vitforge.evaluation.attention_maps import overlay
from vitforge.evaluation.stress_page import stress_sections


def row(name: str, slice_: str, value: float) -> MetricRow:
    return MetricRow(name=name, value=value, low=value / 2, high=value, n=96, slice=slice_)


def test_each_section_stands_only_where_its_rows_are() -> None:
    rows = [
        row("shift_accuracy", "clean", 1.0),
        row("shift_accuracy", "fog 1", 0.8),
        row("shift_accuracy", "fog 5", 0.3),
        row("accuracy_gap", "site", 0.12),
        row("accuracy", "site=north", 0.9),
        row("accuracy", "cat", 0.7),
    ]
    config = EvaluationConfig()
    told = {section.title: section.html for section in stress_sections(rows, config)}
    assert set(told) == {"Corruptions", "Groups"}
    assert ">fog<" in told["Corruptions"]
    assert "site=north (n = 96)" in told["Groups"]
    assert ">cat" not in told["Groups"]  # a class is no group
    assert stress_sections(rows[3:4] * 0, config) == []


def test_the_brightest_place_of_an_overlay_is_the_heaviest_patch() -> None:
    weights = np.zeros((4, 4), np.float32)
    weights[3, 0] = 1.0
    shown = np.asarray(overlay(np.full((32, 32, 3), 60, np.uint8), weights)).astype(int)
    orange = shown[..., 0] - shown[..., 2]
    assert np.unravel_index(orange.argmax(), orange.shape) >= (24, 0)
    assert orange[:20].max() == 0
