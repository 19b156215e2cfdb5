"""The embedded server: found again, kept apart from strangers, never on a broken database."""

import os
import socket
import sqlite3
import threading
from pathlib import Path

import pytest

from vitforge.errors import VitforgeError
from vitforge.tracking import server
from vitforge.tracking.client import mlflow_client
from vitforge.tracking.server import ensure_server, server_status, start_server, stop_server


def test_found_again(home: Path, mlflow_uri: str) -> None:
    again = ensure_server(home)
    status = server_status(home)
    assert (again.uri, again.started) == (mlflow_uri, False)
    assert status is not None and status.alive and status.pid != os.getpid()


def test_none_runs(tmp_path: Path) -> None:
    assert server_status(tmp_path) is None
    assert stop_server(tmp_path) is False


def test_a_recycled_pid_is_not_the_server(tmp_path: Path) -> None:
    """The state file of a dead server may name a process of somebody else's."""
    folder = tmp_path / "mlflow"
    folder.mkdir()
    (folder / server.STATE_FILE).write_text(
        f'{{"uri": "", "port": 1, "pid": {os.getpid()}, "started": true, "birth": 1.0}}'
    )
    assert server_status(tmp_path) is None
    assert stop_server(tmp_path) is False, "and this process still runs"


def test_no_port_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        monkeypatch.setattr(server, "FIRST_PORT", port)
        monkeypatch.setattr(server, "LAST_PORT", port)
        with pytest.raises(VitforgeError, match="no port from"):
            start_server(tmp_path)


@pytest.mark.slow
def test_next_port_broken_database_and_two_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mlflow"
    folder.mkdir()
    with sqlite3.connect(folder / server.DATABASE_FILE) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("CREATE TABLE experiments (half INTEGER)")
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        taken = stranger.getsockname()[1]
        monkeypatch.setattr(server, "FIRST_PORT", taken)
        monkeypatch.setattr(server, "LAST_PORT", min(taken + 50, 65535))
        found: list[server.Server] = []
        threads = [
            threading.Thread(target=lambda: found.append(ensure_server(tmp_path))) for _ in range(2)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [one.pid for one in found] == [found[0].pid] * 2
            assert sorted(one.started for one in found) == [False, True]
            assert found[0].port > taken
            client = mlflow_client(found[0].uri)
            run = client.create_run(client.create_experiment("first")).info.run_id
            assert (folder / f"{server.DATABASE_FILE}.incomplete").exists()

            assert stop_server(tmp_path)
            assert server_status(tmp_path) is None
            (folder / "schema-version").write_text("3.0.0")  # as after an upgrade of MLflow
            again = ensure_server(tmp_path)
            assert again.started
            assert mlflow_client(again.uri).get_run(run).info.run_id == run
        finally:
            stop_server(tmp_path)


def test_server_that_ends_while_starting_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_environment", lambda _: {"PYTHONPATH": "", "PATH": "/nowhere"})
    monkeypatch.setattr(server.sys, "executable", "/bin/false")
    pending = start_server(tmp_path)
    with pytest.raises(VitforgeError, match="ended while starting"):
        pending.wait(5)
