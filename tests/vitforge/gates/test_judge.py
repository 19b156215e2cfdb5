"""The whole step: one planted fault fires one gate."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import vitforge.registry
from vitforge.artifacts import PREDICTIONS_FILE, REPORT_FILE, VERDICT_FILE, Verdict
from vitforge.config import Gate, GatesConfig
from vitforge.errors import ConfigError, VitforgeError
from vitforge.gates.champion import compare
from vitforge.gates.judge import judge
from vitforge.tracking import StepRun

Artifacts = Callable[..., tuple[Path, Path, Path]]
CONFIG = GatesConfig(
    rules=(
        Gate(metric="top1", at_least=0.95),
        Gate(metric="ece", at_most=0.15),
        Gate(metric="onnx_max_error", at_most=1e-3, judged_on="value"),
        Gate(metric="int8_drop", at_most=0.01, judged_on="value"),
        Gate(metric="latency_ms", at_most=10.0),
    )
)


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def run_gates(folders: tuple[Path, Path, Path], tmp: Path, config: GatesConfig = CONFIG) -> Verdict:
    with StepRun("gate_model", tmp / "spool") as run:
        return judge(*folders, model_name="m", config=config, out=tmp / "verdict", run=run)


def test_a_good_model_passes(artifacts: Artifacts, tmp_path: Path) -> None:
    verdict = run_gates(artifacts(), tmp_path)
    assert verdict.outcome == "PASS"
    assert verdict.may_challenge
    assert Verdict.load(tmp_path / "verdict" / VERDICT_FILE) == verdict
    page = (tmp_path / "verdict" / REPORT_FILE).read_text()
    assert page.index("Verdict: PASS") < page.index("Key figures")
    events = (tmp_path / "spool" / "gate_model" / "events.jsonl").read_text().splitlines()
    notes = [event["text"] for event in map(json.loads, events) if event["kind"] == "note"]
    assert notes == ["PASS: 5 of 5 gates"]


@pytest.mark.parametrize(
    ("fault", "fires"),
    [
        ({"right": 350, "int8_right": 350}, "top1"),
        ({"ece": (0.3, 0.25, 0.35)}, "ece"),
        ({"max_error": 0.5}, "onnx_max_error"),
        ({"max_error": float("inf")}, "onnx_max_error"),
        ({"max_error": float("nan")}, "onnx_max_error"),
        ({"int8_right": 380, "flips": 14}, "int8_drop"),
        ({"latency_ms": 11.0}, "latency_ms"),
    ],
)
def test_a_fault_fires_its_gate_and_no_other(
    fault: dict[str, object], fires: str, artifacts: Artifacts, tmp_path: Path
) -> None:
    verdict = run_gates(artifacts(**fault), tmp_path)
    assert verdict.outcome == "FAIL"
    assert not verdict.may_challenge
    assert [row.metric for row in verdict.rows if row.outcome != "PASS"] == [fires]


def test_an_undecided_gate_is_inconclusive_and_does_not_block(
    artifacts: Artifacts, tmp_path: Path
) -> None:
    verdict = run_gates(artifacts(ece=(0.14, 0.10, 0.18)), tmp_path)
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.may_challenge


def test_without_int8_its_gate_is_undecided(artifacts: Artifacts, tmp_path: Path) -> None:
    verdict = run_gates(artifacts(int8_right=None), tmp_path)
    row = next(row for row in verdict.rows if row.metric == "int8_drop")
    assert (row.outcome, row.value, row.blocks) == ("INCONCLUSIVE", None, False)
    assert "not exported" in row.change


def test_int8_drop_has_a_paired_interval(artifacts: Artifacts, tmp_path: Path) -> None:
    verdict = run_gates(artifacts(int8_right=388, flips=6), tmp_path)
    row = next(row for row in verdict.rows if row.metric == "int8_drop")
    assert row.value == pytest.approx(0.01)
    assert row.outcome == "PASS"
    # lost 5, gained 1 of 400: the paired interval is far narrower than two unpaired ones
    assert row.low == pytest.approx(-0.0034, abs=0.002)
    assert row.high == pytest.approx(0.027, abs=0.003)


@pytest.mark.parametrize(("asked", "near"), [("top_1", "top1"), ("int8_dorp", "int8_drop")])
def test_an_unknown_metric_names_the_nearest(
    asked: str, near: str, artifacts: Artifacts, tmp_path: Path
) -> None:
    config = GatesConfig(rules=(Gate(metric=asked, at_least=0.5),))
    with pytest.raises(ConfigError, match=f"did you mean {near}"):
        run_gates(artifacts(), tmp_path, config)
    assert not (tmp_path / "verdict" / VERDICT_FILE).exists()


@pytest.mark.parametrize(
    ("lost", "gained", "outcome"), [(0, 0, "PASS"), (40, 0, "FAIL"), (12, 8, "INCONCLUSIVE")]
)
def test_against_the_champion(
    lost: int,
    gained: int,
    outcome: str,
    artifacts: Artifacts,
    predictions_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders = artifacts()
    ours, theirs = np.ones(400, bool), np.ones(400, bool)
    ours[:lost] = False
    theirs[lost : lost + gained] = False
    predictions_file(folders[0] / PREDICTIONS_FILE, ours)
    champion = predictions_file(tmp_path / "champion.parquet", theirs)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///nowhere.db")
    monkeypatch.setattr(vitforge.registry, "champion_predictions", lambda *_: ("3", champion))
    verdict = run_gates(folders, tmp_path)
    row = next(row for row in verdict.rows if row.metric == "top1_vs_champion")
    assert (row.metric, row.outcome, row.n) == ("top1_vs_champion", outcome, 400)
    assert row.value == pytest.approx((gained - lost) / 400)
    assert row.blocks == (outcome == "FAIL")
    assert verdict.champion == "3"
    assert (verdict.outcome == "FAIL") == (outcome == "FAIL")


def test_another_split_is_not_comparable(
    predictions_file: Callable[..., Path], tmp_path: Path
) -> None:
    right = np.ones(50, bool)
    ours = predictions_file(tmp_path / "a.parquet", right)
    theirs = predictions_file(tmp_path / "b.parquet", right, prefix="other")
    (row,) = compare(ours, theirs, "7", GatesConfig(), 0.95)
    assert (row.outcome, row.blocks, row.value) == ("INCONCLUSIVE", False, None)
    assert "not comparable: version 7" in row.evidence


def test_the_order_of_images_does_not_matter(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rng = np.random.default_rng(0)
    table = pyarrow.table(
        {
            "id": [str(i) for i in range(300)],
            "label": rng.integers(0, 2, 300),
            "logits": rng.normal(size=(300, 2)).astype(np.float32).tolist(),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    pyarrow.parquet.write_table(table.take(rng.permutation(300)), tmp_path / "b.parquet")
    row, *_ = compare(tmp_path / "a.parquet", tmp_path / "b.parquet", "1", GatesConfig(), 0.95)
    assert row.value == 0.0
    assert "0 images gained and 0 lost" in row.evidence


def test_an_unreadable_champion_does_not_stop_the_step(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise VitforgeError("its files are gone")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///nowhere.db")
    monkeypatch.setattr(vitforge.registry, "champion_predictions", gone)
    verdict = run_gates(artifacts(), tmp_path)
    assert verdict.outcome == "INCONCLUSIVE"
    assert "its files are gone" in verdict.rows[-1].evidence
