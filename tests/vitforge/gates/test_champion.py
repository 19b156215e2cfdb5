"""The champion, where it cannot be asked for."""

import time
from pathlib import Path

import pytest

from vitforge.config import GatesConfig
from vitforge.errors import VitforgeError
from vitforge.gates.champion import compare_with_champion


def test_a_server_that_is_away_stops_the_judgement_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(VitforgeError, match="does not answer") as caught:
        compare_with_champion(tmp_path, model_name="digits", config=GatesConfig(), level=0.95)
    assert caught.value.where == "http://127.0.0.1:9"
    assert time.monotonic() - began < 5.0


def test_without_a_server_there_is_no_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert compare_with_champion(
        tmp_path, model_name="digits", config=GatesConfig(), level=0.95
    ) == (
        "",
        [],
    )
