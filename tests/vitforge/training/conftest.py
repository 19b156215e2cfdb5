"""Tiny pictures of four colours that a tiny ViT tells apart within seconds."""

import numpy as np
import pytest
import torch

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.training.images import ImageSet

TINY = {
    "img_size": 16,
    "patch_size": 8,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 2,
    "weight_init": "moco",
}
CLASSES = 4


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def tiny_spec() -> BackboneSpec:
    return BackboneSpec(
        library="timm", name="vit_tiny_patch16_224", args=TINY, pretrained=False, label="tiny"
    )


@pytest.fixture
def how() -> Preprocessing:
    return Preprocessing(image_size=16, mean=(0.5,) * 3, std=(0.25,) * 3)


def pictures(n: int, seed: int) -> ImageSet:
    """Noise around one of four colours."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    pixels = rng.integers(0, 150, (n, 3, 16, 16))
    colours = np.array([[90, 0, 0], [0, 90, 0], [0, 0, 90], [60, 60, 60]])
    pixels += colours[labels][:, :, None, None]
    return ImageSet(
        torch.from_numpy(pixels.astype(np.uint8)),
        torch.from_numpy(labels),
        tuple(f"image-{seed}-{i}" for i in range(n)),
    )


@pytest.fixture
def train() -> ImageSet:
    return pictures(64, 0)


@pytest.fixture
def val() -> ImageSet:
    return pictures(32, 1)


@pytest.fixture
def recipe() -> FinetuningConfig:
    return FinetuningConfig(
        batch_size=16,
        learning_rate=3e-3,
        warmup_epochs=1,
        drop_path=0.1,
        frozen_blocks=1,
        lora_rank=4,
        device="cpu",
        augmentation=AugmentationConfig(
            randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
        ),
    )
