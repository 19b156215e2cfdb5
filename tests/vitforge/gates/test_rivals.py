"""Challenger and champion on every gated metric and group; false promotions by simulation."""

from pathlib import Path

import numpy as np
import pytest

from vitforge.artifacts import GateRow
from vitforge.config import Gate, GatesConfig
from vitforge.gates.champion import compare
from vitforge.gates.paired import difference_interval
from vitforge.metrics.predictions import Predictions

N = 1200
CONFIG = GatesConfig(
    rules=(Gate(metric="top1", at_least=0.5), Gate(metric="ece", at_most=0.2),
           Gate(metric="nll", at_most=1.0))
)  # fmt: skip


def saved(
    folder: Path, right: np.ndarray, sure: float = 0.9, order: np.ndarray | None = None
) -> Path:
    labels = np.arange(N) % 2
    logits = np.zeros((N, 2), np.float32)
    logits[np.arange(N), np.where(right, labels, 1 - labels)] = np.log(sure / (1 - sure))
    group = np.where(np.arange(N) < 200, "small", "large")
    order = np.arange(N) if order is None else order
    ids = tuple(f"i{i}" for i in order)
    Predictions.of(ids, labels[order], logits[order], slices={"site": group[order]}).save(folder)
    return folder / "predictions.parquet"


def rows_of(ours: Path, theirs: Path) -> dict[tuple[str, str], GateRow]:
    return {(r.metric, r.slice): r for r in compare(ours, theirs, "4", CONFIG, 0.95)}


def test_equal_models_are_not_inferior_in_anything_whatever_the_order(tmp_path: Path) -> None:
    right = np.arange(N) % 10 != 0
    order = np.random.default_rng(0).permutation(N)
    rows = rows_of(saved(tmp_path / "a", right), saved(tmp_path / "b", right, order=order))
    assert {key[0] for key in rows} == {"top1_vs_champion", "ece_vs_champion", "nll_vs_champion"}
    assert {row.outcome for row in rows.values()} == {"PASS"}
    assert all(row.value == 0 for row in rows.values())


def test_worse_confidence_alone_is_refused_by_its_own_rows(tmp_path: Path) -> None:
    right = np.arange(N) % 10 != 0
    rows = rows_of(saved(tmp_path / "a", right, sure=0.6), saved(tmp_path / "b", right, sure=0.9))
    failed = {metric for (metric, _), row in rows.items() if row.outcome == "FAIL"}
    assert failed == {"ece_vs_champion", "nll_vs_champion"}
    assert rows["ece_vs_champion", "all"].value == pytest.approx(-0.3, abs=1e-3)  # less is worse


def test_a_group_that_is_lost_is_found_although_the_whole_gains(tmp_path: Path) -> None:
    champion, ours = np.ones(N, bool), np.ones(N, bool)
    champion[300:400] = False
    ours[:60] = False  # of the 200 of site=small
    rows = rows_of(saved(tmp_path / "a", ours), saved(tmp_path / "b", champion))
    assert rows["top1_vs_champion", "all"].outcome == "PASS"
    group = rows["top1_vs_champion", "site=small"]
    assert (group.outcome, group.n, group.value) == ("FAIL", 200, pytest.approx(-0.3))


def test_a_margin_of_one_metric_is_its_own(tmp_path: Path) -> None:
    right = np.arange(N) % 10 != 0
    ours, theirs = saved(tmp_path / "a", right, sure=0.86), saved(tmp_path / "b", right, sure=0.9)
    loose = CONFIG.model_copy(update={"champion_margins": {"ece": 0.06, "nll": 0.5}})
    assert {row.outcome for row in compare(ours, theirs, "4", loose, 0.95)} == {"PASS"}
    assert rows_of(ours, theirs)["ece_vs_champion", "all"].outcome != "PASS"


@pytest.mark.parametrize("advantage", [0.0, -0.02])
def test_an_equal_or_worse_challenger_is_rarely_called_better(advantage: float) -> None:
    """2,000 challenges decided on two metrics: the score interval and the paired bootstrap.

    With a margin of 0 a challenger that is equal, or worse, must not pass in over 5 %.
    """
    rounds, n, resamples, changed = 2000, 400, 400, 0.1
    rng = np.random.default_rng(5)
    chances = [(changed + advantage) / 2, (changed - advantage) / 2, 1 - changed]
    step = rng.choice([1, -1, 0], p=chances, size=(rounds, n)).astype(np.float32)
    gained, lost = (step > 0).sum(1), (step < 0).sum(1)
    low, _ = difference_interval(gained, lost, n)
    # A second metric, heavy-tailed, that goes along with the first.
    tails = (rng.exponential(1, (rounds, n)) - 1 + advantage).astype(np.float32)
    gain = 0.5 * step + 0.2 * tails
    weights = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float32)
    bootstrap_low = np.quantile(gain @ weights.T / n, 0.025, axis=1)
    promoted = (low >= 0) & (gained > lost)
    assert promoted.mean() <= 0.05
    assert (bootstrap_low >= 0).mean() <= 0.05
    assert (promoted & (bootstrap_low >= 0)).mean() <= 0.05
