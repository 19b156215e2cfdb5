"""Which run is gone on with, and which is started anew."""

from pathlib import Path
from typing import Any

import pytest

from vitforge.config import PipelineConfig
from vitforge.errors import VitforgeError
from vitforge_pipelines.runners.record import (
    RECORD_FILE,
    find_run,
    open_run,
    run_digest,
    run_lock,
)

CONFIG = PipelineConfig(model_name="m")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path))
    return tmp_path


def end(folder: Path, record: object, state: str) -> None:
    record.model_copy(update={"state": state}).save(folder / RECORD_FILE)  # type: ignore[attr-defined]


def start(config: PipelineConfig = CONFIG, runner: str = "subprocess", fresh: bool = False) -> Any:
    """Open a run and leave it again: folder, record, and whether it goes on."""
    with open_run(config, runner, fresh) as opened:  # type: ignore[arg-type]
        return opened


@pytest.mark.parametrize("state", ["failed", "stopped", "running"])
def test_an_unfinished_run_is_gone_on_with(state: str) -> None:
    folder, record, resumed = start()
    assert not resumed
    end(folder, record, state)
    again, second, resumed = start()
    assert (again, second.name, resumed) == (folder, record.name, True)


def test_a_finished_run_is_not() -> None:
    folder, record, _ = start()
    end(folder, record, "finished")
    assert start()[0] != folder


def test_fresh_another_config_another_runner_start_over() -> None:
    folder, record, _ = start()
    end(folder, record, "failed")
    assert start(fresh=True)[0] != folder
    assert start(runner="docker")[0] != folder
    assert start(CONFIG.model_copy(update={"seed": 1}))[0] != folder


def test_a_run_that_another_process_is_in_is_left_alone() -> None:
    with open_run(CONFIG, "subprocess", fresh=False) as (folder, _, _):
        with open_run(CONFIG, "subprocess", fresh=False) as (second, _, resumed):
            assert second != folder
            assert not resumed
        with pytest.raises(VitforgeError, match="another process"), run_lock(folder):
            pass
    assert start()[2]


def test_the_digest_follows_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("a = 1")
    monkeypatch.setattr("vitforge.__file__", str(package / "__init__.py"))
    before = run_digest(CONFIG, "subprocess")
    (package / "__init__.py").write_text("a = 2")
    assert run_digest(CONFIG, "subprocess") != before


def test_runs_are_found_by_name_and_the_newest_without() -> None:
    with pytest.raises(VitforgeError, match="no run yet"):
        find_run("")
    _, first, _ = start(fresh=True)
    _, second, _ = start(fresh=True)
    assert find_run("")[1].name == second.name
    assert find_run(first.name)[1].name == first.name
    with pytest.raises(VitforgeError, match="no run is called x"):
        find_run("x")
