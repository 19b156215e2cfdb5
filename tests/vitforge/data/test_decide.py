"""What holds for every split that is drawn here, whatever the data."""

import hashlib
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitforge.config import DataConfig
from vitforge.data.checked import CheckedImage, CheckedImages
from vitforge.data.decide import decide_splits, find_strata
from vitforge.data.look import Look
from vitforge.data.raw import RawDataset, RawImage, RawImages
from vitforge.data.units import independent_units
from vitforge.errors import VitforgeError


def _image(number: int, label: str = "a", **more) -> CheckedImage:
    digest = hashlib.sha256(str(more.pop("content", number)).encode()).hexdigest()
    look = Look(digest, 8, 8, "PNG L", 99.0, 9.0, 1.0, 64, (1.0,) * 3, (1.0,) * 3)
    raw = RawImage(f"{number:04d}.png", label, more.pop("split", ""), bytes, **more)
    return CheckedImage(raw, look, number)


def _table(images: list[CheckedImage]) -> CheckedImages:
    raw = [image.raw for image in images]
    columns = RawImages(
        str.encode,
        [image.id for image in raw],
        [image.label for image in raw],
        [image.split for image in raw],
        [image.group for image in raw],
        [image.time for image in raw],
        targets=np.array([image.targets for image in raw]),
    )
    looks = ((row, image.look, image.thumb) for row, image in enumerate(images))
    return CheckedImages.gather(columns, looks)


def _decide(rows, config=None, task="single_label", seed=0) -> dict[str, str]:
    images = _table(rows)
    raw = RawDataset("x", tuple(sorted(set(images.raw.labels))), images.raw, task=task)
    units = independent_units(len(images), [images.digests, images.raw.groups])
    splits = decide_splits(
        raw, images, find_strata(raw, images), units, config or DataConfig(), seed
    )
    return dict(zip(images.raw.ids, splits, strict=True))


@st.composite
def _patients(draw: st.DrawFn) -> list[CheckedImage]:
    """Images of patients, some with several classes, some images twice."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 12), st.sampled_from("ab"), st.integers(0, 60)),
            min_size=12, max_size=80,
        )
    )  # fmt: skip
    return [
        _image(n, label, group=f"p{patient}", content=content)
        for n, (patient, label, content) in enumerate(rows)
    ]


CONFIGS = st.sampled_from(
    [DataConfig(), DataConfig(folds=3, fold=1), DataConfig(val_fraction=0.3, test_fraction=0.3)]
)


@settings(deadline=None)
@given(_patients(), CONFIGS, st.integers(0, 3), st.randoms(use_true_random=False))
def test_no_patient_and_no_picture_is_ever_in_two_splits(images, config, seed, random) -> None:
    splits = _decide(images, config, seed=seed)
    assert len(splits) == len(images)  # complete, and disjoint as each image has one
    assert set(splits.values()) <= {"train", "val", "test"}
    for key in ("group", "digest"):
        where: dict[str, set[str]] = {}
        for image in images:
            value = image.raw.group if key == "group" else image.digest
            where.setdefault(value, set()).add(splits[image.raw.id])
        assert all(len(found) == 1 for found in where.values())
    random.shuffle(images)
    assert _decide(images, config, seed=seed) == splits  # stable under reordering


@settings(deadline=None, max_examples=25)
@given(st.integers(10, 40), st.integers(0, 3), st.randoms(use_true_random=False))
def test_multi_label_splits_are_whole_and_stable(patients, seed, random) -> None:
    images = [
        _image(n, group=f"p{n % patients}", targets=(float(n % 3 == 0), float(n % 2), float("nan")))
        for n in range(80)
    ]
    splits = _decide(images, task="multi_label", seed=seed)
    by_group = {(image.raw.group, splits[image.raw.id]) for image in images}
    assert len(by_group) == patients
    random.shuffle(images)
    assert _decide(images, task="multi_label", seed=seed) == splits


def test_multi_label_keeps_the_frequency_of_a_rare_label() -> None:
    images = [_image(n, targets=(float(n % 2), float(n % 20 == 0))) for n in range(1000)]
    splits = _decide(images, task="multi_label")
    rare = Counter(splits[image.raw.id] for image in images if image.raw.targets[1])
    assert (rare["test"], rare["val"]) == (10, 5)
    assert Counter(splits.values())["test"] == pytest.approx(200, abs=5)


def test_folds_cover_everything_once() -> None:
    images = [_image(n, "ab"[n % 2], group=f"p{n // 3}") for n in range(90)]
    tests = [
        {
            name
            for name, split in _decide(images, DataConfig(folds=5, fold=fold)).items()
            if split == "test"
        }
        for fold in range(5)
    ]
    assert sum(map(len, tests)) == 90
    assert len(set.union(*tests)) == 90
    assert all(12 <= len(test) <= 24 for test in tests)


def test_groups_are_dealt_in_the_shares_asked_for() -> None:
    images = [_image(n, "ab"[n % 5 == 0], group=f"p{n // 4}") for n in range(400)]
    counts = Counter(
        (image.raw.label, split)
        for image, split in zip(images, _decide(images).values(), strict=True)
    )
    for label, size in (("a", 320), ("b", 80)):
        assert counts[label, "test"] == pytest.approx(0.2 * size, abs=6)
        assert counts[label, "val"] == pytest.approx(0.1 * size, abs=6)


def test_time_trains_on_the_past_and_keeps_groups() -> None:
    images = [_image(n, time=f"2024-01-{n // 4 + 1:02d}", group=f"p{n // 4}") for n in range(100)]
    splits = _decide(images, DataConfig(split_by="time"))
    latest = {s: max(i.raw.time for i in images if splits[i.raw.id] == s) for s in ("train", "val")}
    first = {s: min(i.raw.time for i in images if splits[i.raw.id] == s) for s in ("val", "test")}
    assert latest["train"] < first["val"] <= latest["val"] < first["test"]
    assert Counter(splits.values()) == {"train": 68, "val": 12, "test": 20}
    with pytest.raises(VitforgeError, match="no time"):
        _decide([_image(0)], DataConfig(split_by="time"))


def test_a_regression_is_spread_over_its_range() -> None:
    images = [_image(n, str(n), targets=(float(n),)) for n in range(200)]
    splits = _decide(images, task="regression")
    test = np.array([image.raw.targets[0] for image in images if splits[image.raw.id] == "test"])
    assert len(test) == 40
    assert np.histogram(test, 10, (0, 200))[0].tolist() == [4] * 10


def test_a_missing_validation_split_is_drawn_from_whole_patients() -> None:
    images = [
        _image(n, "ab"[n % 2], group=f"p{n // 4}", split="train" if n < 80 else "test")
        for n in range(100)
    ]
    splits = _decide(images)
    assert all(split == "test" for name, split in splits.items() if int(name[:4]) >= 80)
    assert "val" in splits.values()
    assert len({(i.raw.group, splits[i.raw.id]) for i in images}) == 25


def test_a_pinned_split_comes_back_also_when_files_are_renamed(tmp_path) -> None:
    images = [_image(n) for n in range(20)]
    wanted = {image.digest: ("train", "val", "test")[n % 3] for n, image in enumerate(images)}
    rows = [{"id": f"old-{n}", "digest": d, "split": s} for n, (d, s) in enumerate(wanted.items())]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "splits.parquet")
    config = DataConfig(splits_file=str(tmp_path / "splits.parquet"))
    splits = _decide(images, config, seed=7)
    assert [splits[image.raw.id] for image in images] == list(wanted.values())
    with pytest.raises(VitforgeError, match="1 images are not in the list, and 1 of the list"):
        _decide([*images[1:], _image(99)], config)


def test_official_lists_are_kept_by_path_or_name(tmp_path) -> None:
    (tmp_path / "test.txt").write_text("0003.png\n0004.png\n")
    images = [_image(n, "ab"[n % 2]) for n in range(20)]
    splits = _decide(images, DataConfig(official_lists={"test": str(tmp_path / "test.txt")}))
    assert {name for name, split in splits.items() if split == "test"} == {"0003.png", "0004.png"}
    (tmp_path / "test.txt").write_text("elsewhere.png\n")
    with pytest.raises(VitforgeError, match="name no image"):
        _decide(images, DataConfig(official_lists={"test": str(tmp_path / "test.txt")}))


def test_half_a_split_column_is_refused() -> None:
    with pytest.raises(VitforgeError, match="1 of 2 images have no split"):
        _decide([_image(0, split="train"), _image(1)])
