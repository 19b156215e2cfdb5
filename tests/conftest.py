"""What several packages' tests share: one real MLflow server for the whole session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vitforge.tracking.server import ensure_server, stop_server


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of this session's own; its server is ended with it."""
    folder = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("VITFORGE_HOME", str(folder))
    yield folder
    stop_server(folder)
    patch.undo()


@pytest.fixture(scope="session")
def mlflow_uri(home: Path) -> str:
    """Address of an embedded MLflow server that answers."""
    return ensure_server(home).uri
