"""Predictions with known properties, and a small data set on disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vitforge.artifacts import DATASET_FILE, TEST, VAL, DatasetInfo, ImageStatistics
from vitforge.config import EvaluationConfig
from vitforge.evaluation.evaluator import Context
from vitforge.metrics.predictions import Predictions

CLASSES = ("circle & co", "square", "triangle")


def _info(classes: tuple[str, ...], n: int) -> DatasetInfo:
    return DatasetInfo(
        name="shapes",
        source="made up",
        classes=classes,
        sizes={TEST: n},
        class_counts={},
        statistics=ImageStatistics(
            mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2), median_width=16, median_height=16
        ),
        fingerprint="f" * 64,
        seed=0,
    )


@pytest.fixture(scope="session")
def dataset_info() -> Callable[..., DatasetInfo]:
    return _info


@pytest.fixture
def make_context(tmp_path: Path) -> Callable[..., Context]:
    """What an evaluator sees, without a model."""

    def make(found: Predictions, seed: int = 0, **settings: Any) -> Context:
        config = EvaluationConfig(**settings)
        names = tuple(f"c{i}" for i in range(found.classes))
        return Context(found, _info(names, found.n), config, seed, tmp_path, tmp_path)

    return make


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """40 noise images of two of three classes, as a dataset artifact."""
    import datasets

    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 255, (20, 24, 3), np.uint8)) for _ in range(40)]
    folder = tmp_path / "dataset"
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.Value("int64"),
            "id": datasets.Value("string"),
        }
    )
    labels = [i % 2 for i in range(40)]
    ids = [f"test/{i}" for i in range(40)]
    columns = {"image": images, "label": labels, "id": ids}
    whole = datasets.Dataset.from_dict(columns, features)
    for split in (VAL, TEST):
        whole.save_to_disk(str(folder / split))
    _info(CLASSES, 40).save(folder / DATASET_FILE)
    return folder
