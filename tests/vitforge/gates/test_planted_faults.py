"""A model with one fault: the gate that is made for it fires, and no other."""

from pathlib import Path

import numpy as np
import pytest

from vitforge.artifacts import GateRow, MetricRow
from vitforge.config import EvaluationConfig, Gate, GatesConfig
from vitforge.evaluation import accuracy, calibration, fairness
from vitforge.evaluation.attention import statistics_rows
from vitforge.evaluation.attention_watch import AttentionStatistics, LayerStatistics
from vitforge.evaluation.efficiency import leak_rows
from vitforge.evaluation.evaluator import Context
from vitforge.evaluation.stress import drop_rows
from vitforge.gates.judge import judge_rules
from vitforge.gates.measured import Measured
from vitforge.metrics.predictions import Predictions

GATES = GatesConfig(
    rules=tuple(
        rule
        for rule in GatesConfig().rules
        if rule.metric
        in ("top1", "ece", "fairness_gap", "shift_drop", "attention_collapsed", "memory_growth")
    )
)
N = 4000


def answers(fault: str) -> Predictions:
    """Two classes and two groups; right 9 times of 10, and as sure as that."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, N)
    group = np.where(np.arange(N) % 2 == 0, "A", "B")
    skill = np.full(N, 0.9)
    if fault == "unfair":
        skill = np.where(group == "A", 0.97, 0.83)
    right = rng.random(N) < skill
    said = np.where(right, labels, 1 - labels)
    sure = 0.55 if fault == "miscalibrated" else skill
    gap = np.broadcast_to(np.log(sure / (1 - np.asarray(sure))), N)
    logits = np.zeros((N, 2), np.float32)
    logits[np.arange(N), said] = gap
    ids = tuple(map(str, range(N)))
    return Predictions.of(ids, labels, logits, slices={"site": group})


def layers(fault: str) -> AttentionStatistics:
    import torch

    entropy, cosine = (0.3, 0.95) if fault == "collapsed" else (3.0, 0.45)
    layer = LayerStatistics(
        tokens=197, entropy_NH=torch.full((20, 4), entropy), cosine_N=torch.full((20,), cosine)
    )
    return AttentionStatistics((layer,) * 4)


def measured(fault: str, make_context) -> list[MetricRow]:
    context: Context = make_context(answers(fault), bootstrap=200)
    rng = np.random.default_rng(1)
    right = (rng.random(600) < 0.9).astype(np.float32)
    hold = 0.6 if fault == "brittle" else 0.99
    worse = {"all": right * (rng.random(600) < hold).astype(np.float32)}
    used = iter(range(10**6))
    grows = 5000 if fault == "leaking" else 0
    return [
        *accuracy.rows(context),
        *calibration.rows(context),
        *fairness.rows(context),
        *drop_rows("shift_drop", right, worse, context, ""),
        *statistics_rows(layers(fault), level=0.95, resamples=100, seed=0),
        *leak_rows(lambda: None, 1200, 1024.0, 0.95, lambda: 1e8 + grows * 20 * next(used)),
    ]


def judged(fault: str, make_context) -> list[GateRow]:
    rows = measured(fault, make_context)
    found = {(row.name, row.slice): Measured(row, "metrics.json") for row in rows}
    return judge_rules(GATES, found)


@pytest.mark.parametrize(
    ("fault", "fires"),
    [
        ("none", []),
        ("miscalibrated", ["ece"]),
        ("unfair", ["fairness_gap"]),
        ("brittle", ["shift_drop"]),
        ("collapsed", ["attention_collapsed"]),
        ("leaking", ["memory_growth"]),
    ],
)
def test_a_fault_fires_its_own_gate(fault: str, fires: list[str], make_context) -> None:
    rows = judged(fault, make_context)
    assert len(rows) == len(GATES.rules)
    assert [row.metric for row in rows if row.outcome == "FAIL"] == fires
    assert {row.outcome for row in rows if row.metric not in fires} == {"PASS"}


@pytest.fixture
def make_context(tmp_path: Path):
    from vitforge.artifacts import DatasetInfo, ImageStatistics

    def make(found: Predictions, **settings: int) -> Context:
        statistics = ImageStatistics(
            mean=(0.5,) * 3, std=(0.2,) * 3, median_width=8, median_height=8
        )
        info = DatasetInfo(
            name="two", source="made up", classes=("cat", "dog"), sizes={"test": found.n},
            class_counts={}, statistics=statistics, fingerprint="f" * 64, seed=0, slices=("site",),
        )  # fmt: skip
        return Context(found, info, EvaluationConfig(**settings), 0, tmp_path, tmp_path)

    return make


def test_an_alarm_is_told_and_does_not_refuse(make_context) -> None:
    (row,) = (row for row in judged("brittle", make_context) if row.metric == "shift_drop")
    assert (row.outcome, row.blocks) == ("FAIL", False)
    assert "does not refuse" in row.evidence


def test_a_rule_may_name_a_slice_and_a_wrong_one_is_answered() -> None:
    row = MetricRow(name="accuracy", value=0.6, low=0.5, high=0.7, n=90, slice="site=north")
    found = {("accuracy", "site=north"): Measured(row, "metrics.json")}
    gates = [Gate(metric="accuracy", slice=s, at_least=0.8) for s in ("site=north", "site=nroth")]
    one, other = judge_rules(GatesConfig(rules=tuple(gates)), found)
    assert (one.outcome, one.slice) == ("FAIL", "site=north")
    assert (other.outcome, other.value) == ("INCONCLUSIVE", None)
    assert "did you mean site=north?" in other.change


def test_what_a_task_does_not_have_is_not_applicable() -> None:
    gates = GatesConfig(rules=(Gate(metric="top1", at_least=0.5), Gate(metric="r2", at_least=0.0)))
    top1, r2 = judge_rules(gates, {}, "regression")
    assert (top1.outcome, top1.blocks) == ("NOT APPLICABLE", False)
    assert top1.evidence == "a regression task has no top1"
    assert r2.outcome == "INCONCLUSIVE"
