"""The real command, run as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VITFORGE = Path(sys.executable).with_name("vitforge")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder for a module's runs; its server is stopped at the end."""
    folder = tmp_path_factory.mktemp("home")
    yield folder
    environment = os.environ | {"VITFORGE_HOME": str(folder)}
    subprocess.run([VITFORGE, "mlflow", "down"], env=environment, check=False, capture_output=True)


@pytest.fixture(scope="module")
def environment(state_folder: Path) -> dict[str, str]:
    """The environment of every command: the state folder, and the command on the path."""
    path = f"{VITFORGE.parent}:{os.environ['PATH']}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    return kept | {"VITFORGE_HOME": str(state_folder), "PATH": path, "COLUMNS": "200"}


@pytest.fixture(scope="module")
def vitforge(environment: dict[str, str]) -> Command:
    """Runs the command and returns what it printed and its exit status."""

    def run(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [VITFORGE, *arguments],
            cwd=cwd,
            env=environment,
            text=True,
            capture_output=True,
            check=False,
            timeout=600,
        )

    return run
