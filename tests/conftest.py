"""What several packages' tests share: one real MLflow server for the whole session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vitforge.tracking.server import ensure_server, stop_server


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of this session's own; its server is ended with it."""
    folder = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("VITFORGE_HOME", str(folder))
    yield folder
    stop_server(folder)
    patch.undo()


@pytest.fixture(scope="session")
def mlflow_uri(home: Path) -> str:
    """Address of an embedded MLflow server that answers."""
    return ensure_server(home).uri


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset artifact of noisy 12-pixel pictures in four colours."""
    import datasets
    import numpy as np
    from PIL import Image

    from vitforge.artifacts import DatasetInfo, ImageStatistics

    folder = tmp_path_factory.mktemp("colours")
    tints = np.array([[90, 0, 0], [0, 90, 0], [0, 0, 90], [60, 60, 60]])
    sizes = {"train": 64, "val": 20, "test": 24, "calibration": 8}
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.Value("int64"),
            "id": datasets.Value("string"),
        }
    )
    for seed, (split, size) in enumerate(sizes.items()):
        labels = np.arange(size) % 4
        noise = np.random.default_rng(seed).integers(0, 150, (size, 12, 12, 3))
        pixels = (noise + tints[labels][:, None, None]).astype(np.uint8)
        content = {
            "image": [Image.fromarray(p) for p in pixels],
            "label": labels.tolist(),
            "id": [f"{split}-{i}" for i in range(size)],
        }
        datasets.Dataset.from_dict(content, features=features).save_to_disk(str(folder / split))
    DatasetInfo(
        name="colours",
        source="made by the tests",
        classes=("red", "green", "blue", "grey"),
        sizes=sizes,
        class_counts={split: (sizes[split] // 4,) * 4 for split in ("train", "val", "test")},
        statistics=ImageStatistics(
            mean=(0.44, 0.44, 0.44), std=(0.2, 0.2, 0.2), median_width=12, median_height=12
        ),
        fingerprint="0" * 64,
        seed=0,
    ).save(folder / "dataset.json")
    return folder
