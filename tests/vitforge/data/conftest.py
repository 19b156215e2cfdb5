"""Small image folders, and a run to tell."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitforge.tracking import StepRun

MakeFolder = Callable[..., Path]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[StepRun]:
    with StepRun("prepare_data", spool=tmp_path / "spool") as step:
        yield step


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Write `{"cat": 12, "train/dog": 5}` as folders of that many distinct 6x4 PNGs."""

    def make(counts: Mapping[str, int], name: str = "photos", seed: int = 0) -> Path:
        random = np.random.default_rng(seed)
        for folder, count in counts.items():
            target = tmp_path / name / folder
            target.mkdir(parents=True)
            for index in range(count):
                pixels = random.integers(0, 256, (4, 6, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(target / f"{index:03d}.png")
        return tmp_path / name

    return make
