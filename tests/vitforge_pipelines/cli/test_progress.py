"""The live view: what a narrow terminal shows."""

import time
from pathlib import Path

import pytest
from rich.console import Console

from vitforge_pipelines.cli import progress
from vitforge_pipelines.runners.local import TRAINING_STEPS
from vitforge_pipelines.runners.watch import StepView, Watch


def test_a_narrow_terminal_cuts_the_sentence_and_keeps_one_line_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(tmp_path, TRAINING_STEPS)
    for name in TRAINING_STEPS:
        watch.steps[name] = StepView(
            name, "done", started=1.0, ended=3001.5, notes=["a long sentence " * 20]
        )
    watch.steps["deploy_model"] = StepView(
        "deploy_model", "running", started=1e9, fraction=0.5, text="epoch 3 of 32 " * 20
    )
    monkeypatch.setattr(time, "time", lambda: 1e9 + 2.5)
    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        console.print(progress._table(watch))
    lines = captured.get().splitlines()
    assert len(lines) == len(TRAINING_STEPS)
    assert all(len(line.rstrip()) <= 80 for line in lines)
    for line, name in zip(lines, TRAINING_STEPS, strict=True):
        assert name in line
        assert ("2.5 s" if name == "deploy_model" else "3000.5 s") in line


def test_brackets_in_a_note_are_no_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(width=200, no_color=True)
    monkeypatch.setattr(progress, "people", console)
    watch = Watch(tmp_path, ("prepare_data",))
    watch.steps["prepare_data"] = StepView(
        "prepare_data", "done", notes=["class [red] has 3 images"]
    )
    with console.capture() as captured:
        progress.RunView(None)(tmp_path, watch)
    assert "class [red] has 3 images" in captured.get()
