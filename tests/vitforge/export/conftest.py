"""A tiny dataset and checkpoint, made as the steps before make them."""

from pathlib import Path

import numpy as np
import pytest

from vitforge.artifacts import (
    DATASET_FILE,
    BackboneSpec,
    DatasetInfo,
    ImageStatistics,
    ModelConfig,
    Preprocessing,
)

CLASSES = ("dark", "grey", "bright")
SIZE = 16


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> Path:
    import datasets
    from PIL import Image

    folder = tmp_path_factory.mktemp("dataset")
    rng = np.random.default_rng(0)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.Value("int64"),
            "id": datasets.Value("string"),
        }
    )
    sizes = {"train": 30, "val": 6, "test": 45, "calibration": 24}
    for split, n in sizes.items():
        labels = [i % 3 for i in range(n)]
        images = [
            Image.fromarray(
                np.clip(rng.normal(60 + 70 * label, 40, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
            )
            for label in labels
        ]
        ids = [f"{split}-{i}" for i in range(n)]
        table = {"image": images, "label": labels, "id": ids}
        datasets.Dataset.from_dict(table, features=features).save_to_disk(str(folder / split))
    DatasetInfo(
        name="tiny",
        source="made",
        classes=CLASSES,
        sizes=sizes,
        class_counts={split: (n // 3,) * 3 for split, n in sizes.items()},
        statistics=ImageStatistics(
            mean=(0.5,) * 3, std=(0.25,) * 3, median_width=SIZE, median_height=SIZE
        ),
        fingerprint="f" * 64,
        seed=0,
    ).save(folder / DATASET_FILE)
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory) -> Path:
    import torch

    from vitforge.backbones.build import build
    from vitforge.backbones.checkpoint import save_checkpoint

    folder = tmp_path_factory.mktemp("checkpoint")
    spec = BackboneSpec(
        library="timm",
        name="vit_tiny_patch16_224",
        args={"img_size": SIZE, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2},
        pretrained=False,
        label="tiny",
    )
    torch.manual_seed(0)
    backbone = build(spec, len(CLASSES), SIZE)
    with torch.no_grad():  # a fresh head says nearly the same of everything
        for parameter in backbone.head.parameters():
            parameter.normal_(0, 0.5)
    save_checkpoint(
        folder,
        backbone,
        ModelConfig(backbone=spec, classes=CLASSES, image_size=SIZE),
        Preprocessing(image_size=SIZE, mean=(0.5,) * 3, std=(0.25,) * 3, resize="squash"),
    )
    return folder
