"""Which run is gone on with, and which is started anew."""

from pathlib import Path

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


@pytest.mark.parametrize("state", ["failed", "stopped", "running"])
def test_an_unfinished_run_is_gone_on_with(state: str) -> None:
    folder, record, resumed = open_run(CONFIG, "subprocess", fresh=False)
    assert not resumed
    end(folder, record, state)
    again, second, resumed = open_run(CONFIG, "subprocess", fresh=False)
    assert (again, second.name, resumed) == (folder, record.name, True)


def test_a_finished_run_is_not() -> None:
    folder, record, _ = open_run(CONFIG, "subprocess", fresh=False)
    end(folder, record, "finished")
    assert open_run(CONFIG, "subprocess", fresh=False)[0] != folder


def test_fresh_another_config_another_runner_start_over() -> None:
    folder, record, _ = open_run(CONFIG, "subprocess", fresh=False)
    end(folder, record, "failed")
    assert open_run(CONFIG, "subprocess", fresh=True)[0] != folder
    assert open_run(CONFIG, "docker", fresh=False)[0] != folder
    changed = CONFIG.model_copy(update={"seed": 1})
    assert open_run(changed, "subprocess", fresh=False)[0] != folder


def test_a_run_that_another_process_is_in_is_left_alone() -> None:
    folder, record, _ = open_run(CONFIG, "subprocess", fresh=False)
    end(folder, record, "running")
    with run_lock(folder):
        assert open_run(CONFIG, "subprocess", fresh=False)[0] != folder
        with pytest.raises(VitforgeError, match="another process"), run_lock(folder):
            pass


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
    _, first, _ = open_run(CONFIG, "subprocess", fresh=True)
    _, second, _ = open_run(CONFIG, "subprocess", fresh=True)
    assert find_run("")[1].name == second.name
    assert find_run(first.name)[1].name == first.name
    with pytest.raises(VitforgeError, match="no run is called x"):
        find_run("x")
