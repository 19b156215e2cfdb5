"""What goes wrong ends in a sentence and an exit status, never in a trace."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from vitforge import registry
from vitforge.deployment import local as deployment
from vitforge.deployment import rehearsal
from vitforge_pipelines.cli import promotion
from vitforge_pipelines.cli.main import app
from vitforge_pipelines.runners import local, record
from vitforge_pipelines.runners.watch import StepView

DIGITS = Path(__file__).parents[3] / "pipelines" / "configs" / "digits.yaml"


def test_a_value_that_is_no_yaml_is_refused_with_its_text() -> None:
    result = CliRunner().invoke(app, ["run", str(DIGITS), "-s", "epochs=[1", "--dry-run"])
    assert result.exit_code == 2
    assert "epochs=[1" in result.stderr and "mend" in result.stderr


@pytest.mark.parametrize("words", [["init", "{}/x"], ["mlflow", "up"], ["run", str(DIGITS)]])
def test_a_folder_that_cannot_be_made_is_named(words: list[str], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = subprocess.run(
        [sys.executable, "-c", "from vitforge_pipelines.cli.main import main; main()"]
        + [word.format(blocked) for word in words],
        env={"VITFORGE_HOME": str(blocked), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(blocked) in done.stderr and "mend" in done.stderr


def test_a_run_stopped_between_two_steps_is_told_as_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path))

    def stopped(config: Any, **options: Any) -> local.RunOutcome:
        with record.open_run(config, "subprocess", fresh=True) as (folder, made, _):
            pass
        steps = {name: StepView(name) for name in local.TRAINING_STEPS}
        return local.RunOutcome(folder, made, steps, (), "", 0, 1.0, stopped=True)

    monkeypatch.setattr(local, "execute", stopped)
    result = CliRunner().invoke(app, ["run", str(DIGITS), "--json"])
    assert result.exit_code == 130, result.output
    assert "the run stopped" in result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["error"]["cause"] == "stopped by hand"


def test_a_port_in_use_is_found_before_the_alias_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path))
    monkeypatch.setattr(promotion, "connect", lambda: "")
    monkeypatch.setattr(registry, "alias_version", lambda *_: None)
    monkeypatch.setattr(registry, "check_promotable", lambda *_, **__: None)
    monkeypatch.setattr(deployment, "fetch_bundle", lambda *_: tmp_path)
    monkeypatch.setattr(rehearsal, "rehearse", lambda *_, **__: None)
    moved: list[str] = []
    monkeypatch.setattr(registry, "promote", lambda name, *_, **__: moved.append(name))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(app, ["promote", "digits", "1", "--port", port])
    assert result.exit_code == 1
    assert f"port {port} is in use" in result.stderr and "--port 0" in result.stderr
    assert moved == []


def test_a_named_server_that_is_away_is_told_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path))
    with socket.socket() as silent:  # bound, but nobody listens
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        result = CliRunner().invoke(app, ["run", str(DIGITS), "--json"])
    assert result.exit_code == 1
    assert "does not answer" in json.loads(result.stdout)["error"]["cause"]
    assert not list(tmp_path.iterdir())


def test_a_dry_run_finds_a_backbone_that_does_not_exist() -> None:
    words = ["run", str(DIGITS), "--dry-run", "--json", "-s", "backbone=./no-such-folder"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "folder does not exist" in json.loads(result.stdout)["error"]["cause"]


def test_a_wrong_dataset_is_wrong_usage(tmp_path: Path) -> None:
    words = ["run", str(DIGITS), "--json", "-s", f"dataset={tmp_path / 'imges'}"]
    (tmp_path / "images").mkdir()
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "did you mean" in json.loads(result.stdout)["error"]["mend"]
