"""`vitforge doctor` looks where the commands will look."""

import socket

import pytest

from vitforge_pipelines.cli import doctor


@pytest.mark.parametrize("uri", ["", "sqlite:///mlflow.db"])
def test_a_tracking_store_without_http_is_fine(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert [finding.state for finding in doctor._tracking()] == ["ok"]


def test_a_tracking_server_that_is_away_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert [finding.state for finding in doctor._tracking()] == ["missing"]


def test_a_mirror_is_asked_on_its_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with socket.socket() as mirror:
        mirror.bind(("127.0.0.1", 0))
        mirror.listen()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{mirror.getsockname()[1]}")
        assert [finding.state for finding in doctor._hub()] == ["ok"]
