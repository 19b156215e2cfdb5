from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitforge.data.split import assign_splits, draw_calibration

SPLITS = {"train", "val", "test"}


@st.composite
def _data_sets(draw: st.DrawFn) -> tuple[list[str], list[int]]:
    """Images with distinct contents, each class with 3 or more."""
    sizes = draw(st.lists(st.integers(3, 30), min_size=2, max_size=6))
    labels = draw(st.permutations([c for c, size in enumerate(sizes) for _ in range(size)]))
    digests = [f"{row:064x}" for row in range(len(labels))]
    return digests, labels


fractions = st.floats(0.01, 0.49)


def _split(
    digests: list[str], labels: list[int], seed: int = 0, val: float = 0.1, test: float = 0.2
) -> list[str]:
    given_ = [""] * len(labels)
    return assign_splits(digests, labels, given_, val_fraction=val, test_fraction=test, seed=seed)


@given(_data_sets(), st.integers(0, 5), fractions, fractions)
def test_every_class_is_in_every_split(
    data: tuple[list[str], list[int]], seed: int, val: float, test: float
) -> None:
    digests, labels = data
    splits = _split(digests, labels, seed, val, test)
    assert len(splits) == len(labels)
    assert set(zip(labels, splits, strict=True)) == {(c, s) for c in set(labels) for s in SPLITS}


@given(_data_sets(), st.randoms(use_true_random=False), st.integers(0, 5))
def test_the_order_of_the_input_does_not_matter(
    data: tuple[list[str], list[int]], random: object, seed: int
) -> None:
    digests, labels = data
    order = list(range(len(labels)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight = dict(zip(digests, _split(digests, labels, seed), strict=True))
    shuffled_digests = [digests[row] for row in order]
    shuffled = _split(shuffled_digests, [labels[row] for row in order], seed)
    assert dict(zip(shuffled_digests, shuffled, strict=True)) == straight


def test_shares_of_each_class_are_those_asked_for() -> None:
    labels = [0] * 100 + [1] * 50
    counts = Counter(zip(labels, _split([f"{i:x}" for i in range(150)], labels), strict=True))
    assert counts == {
        (0, "test"): 20, (0, "val"): 10, (0, "train"): 70,
        (1, "test"): 10, (1, "val"): 5, (1, "train"): 35,
    }  # fmt: skip


def test_another_seed_draws_another_split() -> None:
    digests, labels = [f"{i:x}" for i in range(60)], [0, 1] * 30
    assert _split(digests, labels, seed=0) == _split(digests, labels, seed=0)
    assert _split(digests, labels, seed=0) != _split(digests, labels, seed=1)


def test_an_added_image_moves_few_others() -> None:
    digests, labels = [f"{i:x}" for i in range(200)], [0, 1] * 100
    before = dict(zip(digests, _split(digests, labels), strict=True))
    after = dict(zip([*digests, "new"], _split([*digests, "new"], [*labels, 0]), strict=True))
    assert sum(before[digest] != after[digest] for digest in digests) <= 2


@pytest.mark.parametrize(
    ("given_", "drawn"),
    [
        (["train"] * 20 + ["test"] * 4, {"val"}),
        (["train"] * 20 + ["val"] * 4, {"test"}),
        (["train"] * 20 + ["val"] * 2 + ["test"] * 2, set()),
    ],
)
def test_given_splits_are_kept_and_missing_ones_drawn_from_training(
    given_: list[str], drawn: set[str]
) -> None:
    digests = [f"{i:x}" for i in range(24)]
    splits = assign_splits(
        digests, [0, 1] * 12, given_, val_fraction=0.1, test_fraction=0.2, seed=0
    )
    for before, after in zip(given_, splits, strict=True):
        assert after == before or (before == "train" and after in drawn)
    assert set(splits) == SPLITS


def test_calibration_is_drawn_from_training_in_proportion() -> None:
    labels = [0] * 120 + [1] * 40 + [2] * 4
    digests = [f"{i:x}" for i in range(len(labels))]
    splits = ["train" if i % 2 else "test" for i in range(len(labels))]
    rows = draw_calibration(digests, labels, splits, 20, seed=0)
    assert {splits[row] for row in rows} == {"train"}
    counts = Counter(labels[row] for row in rows)
    assert counts[0] + counts[1] + counts[2] == 20
    assert counts[2] == 1  # 2 of 82 would be none without "one of each class first"
    assert abs(counts[0] / counts[1] - 3) < 0.5


def test_calibration_takes_all_where_there_are_fewer_and_none_when_off() -> None:
    splits = ["train", "val", "train"]
    assert draw_calibration(["a", "b", "c"], [0, 0, 1], splits, 9, seed=0) == [0, 2]
    assert draw_calibration(["a", "b", "c"], [0, 0, 1], splits, 0, seed=0) == []


def test_a_lone_training_image_is_not_taken_away() -> None:
    splits = assign_splits(
        ["a", "b", "c"], [0, 0, 0], ["train", "val", "val"],
        val_fraction=0.1, test_fraction=0.4, seed=0,
    )  # fmt: skip
    assert splits == ["train", "val", "val"]
