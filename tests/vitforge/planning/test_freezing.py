"""The grid's order, and similarity against outside references."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut

from vitforge.errors import ConfigError
from vitforge.planning.freezing import check_frozen_blocks, plan_freezing
from vitforge.planning.similarity import (
    cka_per_block,
    linear_cka,
    settled_blocks,
    task_similarity,
)

rng = np.random.default_rng(0)


def test_the_documents_partial_freezing() -> None:
    """Layers 0 to 6 frozen, 7 to 11 and the head trained."""
    made = plan_freezing(12, 5_000, 0.6)
    assert (made.strategy, made.frozen_blocks) == ("partial", 7)
    assert "freeze blocks 0 to 6, train 7 to 11" in made.reasons[-1]


def test_corners() -> None:
    assert plan_freezing(12, 300, 0.9).strategy == "head"
    assert plan_freezing(12, 50_000, 0.1).strategy == "full"


def test_more_data_and_less_likeness_freeze_less() -> None:
    grid = np.array(
        [
            [plan_freezing(24, images, s).frozen_blocks for images in (500, 5_000, 50_000)]
            for s in (0.9, 0.6, 0.2)
        ]
    )
    assert (np.diff(grid, axis=1) <= 0).all()
    assert (np.diff(grid, axis=0) <= 0).all()
    assert grid.max() == 24
    assert grid.min() == 0


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [((0, 10, 0.5), "type 12"), ((12, 0, 0.5), "train images"), ((12, 10, 1.5), "--features")],
)
def test_refused(arguments, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_freezing(*arguments)
    assert mend in caught.value.mend


def test_more_frozen_blocks_than_there_are() -> None:
    check_frozen_blocks(12, 12)
    for wrong in (13, -1):
        with pytest.raises(ConfigError) as caught:
            check_frozen_blocks(wrong, 12)
        assert "type a number from 0 to 12" in caught.value.mend


def hsic_cka(x, y) -> float:
    """Kornblith et al.'s definition by centred Gram matrices, as in their reference code."""
    n = len(x)
    h = np.eye(n) - 1 / n
    k, m = h @ x @ x.T @ h, h @ y @ y.T @ h
    return np.sum(k * m) / np.sqrt(np.sum(k * k) * np.sum(m * m))


@pytest.mark.parametrize(("n", "d", "e"), [(40, 5, 7), (10, 30, 20), (25, 25, 1)])
def test_cka_against_the_definition(n: int, d: int, e: int) -> None:
    x, y = rng.normal(3, 2, (n, d)), rng.normal(size=(n, e))
    y[:, 0] += x[:, 0]
    assert linear_cka(x, y) == pytest.approx(hsic_cka(x, y), abs=1e-10)


def test_cka_by_hand() -> None:
    """Centred x = (-1, 1, 0), y = (0, 1, -1): (xᵀy)² / (xᵀx · yᵀy) = 1 / 4."""
    assert linear_cka(np.array([[0.0], [2], [1]]), np.array([[1.0], [2], [0]])) == pytest.approx(
        0.25
    )


def test_cka_forgets_rotation_and_scale_but_not_more() -> None:
    x = rng.normal(size=(50, 8))
    turn, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    assert linear_cka(x, 3 * x @ turn + 5) == pytest.approx(1)
    assert linear_cka(x, x * np.geomspace(1, 100, 8)) < 0.9
    assert linear_cka(x, np.ones((50, 2))) == 0


def test_settled_blocks() -> None:
    before = [rng.normal(size=(60, 6)) for _ in range(4)]
    after = [before[0], before[1] + 0.05, rng.normal(size=(60, 6)), before[3]]
    values = cka_per_block(before, after)
    assert settled_blocks(values) == 2
    assert settled_blocks([1.0, 1.0]) == 2
    with pytest.raises(ConfigError):
        cka_per_block(before, after[:3])


def test_similarity_against_refitting_without_each_image() -> None:
    labels = np.repeat([0, 1, 2], [12, 15, 13])
    x = rng.normal(size=(40, 6))
    x[:, 0] += labels
    scaled = (x - x.mean(0)) / x.std(0)
    targets = np.eye(3)[labels]
    predicted = np.empty(40, int)
    for train, (test,) in LeaveOneOut().split(scaled):
        model = Ridge(alpha=0.4).fit(scaled[train], targets[train])
        predicted[test] = model.predict(scaled[[test]]).argmax()
    recall = np.mean([(predicted == k)[labels == k].mean() for k in range(3)])
    assert task_similarity(x, labels) == pytest.approx((recall - 1 / 3) / (2 / 3))


def test_similarity_at_its_ends() -> None:
    labels = np.repeat([0, 1], 50)
    noise = rng.normal(size=(100, 10))
    assert task_similarity(noise, labels) < 0.35
    noise[:, 3] += 20 * labels
    assert task_similarity(noise, labels) == 1.0


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (np.ones((4, 2)), np.zeros(4, int)),
        (np.ones((3, 2)), np.array([0, 0, 1])),
        (np.ones((4, 2)), np.array([0, 1])),
        (np.full((4, 2), np.nan), np.array([0, 0, 1, 1])),
        (np.ones((4, 2, 2)), np.array([0, 0, 1, 1])),
    ],
)
def test_features_that_measure_nothing(features, labels) -> None:
    with pytest.raises(ConfigError):
        task_similarity(features, labels)
