"""Saved runs, judged again and held against one another; no model is there to run."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from vitforge import artifacts as art
from vitforge.config import PipelineConfig
from vitforge.metrics.predictions import Predictions
from vitforge.statistics import wilson
from vitforge_pipelines.cli.main import app
from vitforge_pipelines.runners.record import RECORD_FILE, RunRecord

N = 500
RULES = [{"metric": "top1", "at_least": 0.8}]


def save_run(home: Path, name: str, right: int, epochs: int, started: float) -> None:
    folder = home / "runs" / name
    parts = folder / "artifacts" / "dag" / "step"
    config = PipelineConfig.model_validate({"epochs": epochs, "gates": {"rules": RULES}})
    RunRecord(
        name=name, digest="d", config=config, runner="subprocess", state="finished", started=started
    ).save(folder / RECORD_FILE)
    labels = np.zeros(N, np.int64)
    logits = np.where(np.arange(N)[:, None] < right, [[2.0, 0.0]], [[0.0, 2.0]])
    ids = tuple(map(str, range(N)))
    Predictions.of(ids, labels, logits.astype(np.float32)).save(parts / "predictions")
    low, high = wilson(right, N)
    row = art.MetricRow(name="top1", value=right / N, low=low, high=high, n=N, note="Wilson")
    art.Metrics(
        rows=(row,), confidence_level=0.95, confusion=((right, N - right), (0, 0)),
        classes=("cat", "dog"), dataset_fingerprint="f" * 64,
    ).save(parts / "metrics" / art.METRICS_FILE)  # fmt: skip
    art.Parity(variants=(), batch_invariant=True).save(parts / "bundle" / art.PARITY_FILE)
    art.Latency(variants=(), fastest="", machine="").save(parts / "bundle" / art.LATENCY_FILE)
    art.DatasetInfo(
        name="two", source="made up", classes=("cat", "dog"), sizes={"test": N}, class_counts={},
        statistics=art.ImageStatistics(
            mean=(0.5,) * 3, std=(0.2,) * 3, median_width=8, median_height=8
        ),
        fingerprint="f" * 64, seed=0,
    ).save(parts / "prepared" / art.DATASET_FILE)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VITFORGE_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    save_run(tmp_path, "older", right=400, epochs=8, started=time.time() - 9)
    save_run(tmp_path, "newer", right=460, epochs=9, started=time.time())
    return tmp_path


def call(*words: str) -> tuple[int, Any]:
    result = CliRunner().invoke(app, [*words, "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_a_saved_run_is_judged_by_its_own_gates_and_by_others(home: Path) -> None:
    code, told = call("gate")
    assert (code, told["run"], told["outcome"], told["may_challenge"]) == (0, "newer", "PASS", True)
    strict = home / "strict.yaml"
    strict.write_text(yaml.safe_dump({"gates": {"rules": [{"metric": "top1", "at_least": 0.99}]}}))
    code, told = call("gate", "newer", "--config", str(strict))
    assert (code, told["outcome"], told["rows"][0]["threshold"]) == (3, "FAIL", ">= 0.99")
    assert told["rows"][0]["change"].startswith("0.99 or more")
    people = CliRunner().invoke(app, ["gate", "newer", "--config", str(strict)])
    assert people.exit_code == 3
    assert "top1: 0.99 or more" in people.stderr


def test_an_unknown_metric_is_found_when_the_config_is_read(home: Path) -> None:
    wrong = home / "wrong.yaml"
    wrong.write_text(yaml.safe_dump({"gates": {"rules": [{"metric": "top_1", "at_least": 0.9}]}}))
    code, told = call("gate", "--config", str(wrong))
    assert code == 2
    assert "did you mean top1" in told["error"]["cause"]


def test_two_runs_are_compared_in_pairs(home: Path) -> None:
    code, told = call("report", "newer", "--against", "older")
    assert code == 0
    (top1,) = [row for row in told["metrics"] if row["name"] == "top1"]
    assert top1["difference"] == pytest.approx(0.12)
    # 60 images gained, none lost: 0.12 ± 1.96 sqrt(0.12 · 0.88 / 500)
    assert (top1["low"], top1["high"]) == (
        pytest.approx(0.0915, abs=0.004),
        pytest.approx(0.1485, abs=0.004),
    )
    assert ["epochs", 9, 8] in told["config"]
    assert told["data"] == []
    page = Path(told["report"]).read_text()
    assert "paired on 500 test images" in page
    assert "Top-1 accuracy" in page


def test_a_run_without_an_evaluation_is_told(home: Path) -> None:
    for file in home.glob("runs/newer/artifacts/*/*/metrics/*"):
        file.unlink()
    code, told = call("gate", "newer")
    assert (code, told["error"]["cause"]) == (1, "the run has no metrics yet")
