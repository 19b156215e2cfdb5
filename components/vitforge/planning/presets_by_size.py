"""Fine-tuning presets: what is trained, and how hard it is held back, by the number of images."""

import math
from dataclasses import dataclass
from typing import Any

from vitforge.config import Strategy
from vitforge.planning.presets import DEIT_AUGMENTATION, DEIT_FINETUNING, Preset

SOURCE = "DeiT III's fine-tuning (https://arxiv.org/abs/2204.07118) and timm's practice"


@dataclass(frozen=True)
class SizePreset:
    """The preset for fewer than `below` images, and why."""

    below: float
    why: str
    strategy: Strategy
    preset: Preset


def _preset(epochs: int, rate: float, augmentation: dict[str, Any], **tuning: float) -> Preset:
    """DeiT's values but for a clipped gradient, a milder crop, and those named."""
    base = DEIT_FINETUNING | {
        "learning_rate": rate,
        "min_learning_rate": rate / 100,
        "warmup_epochs": epochs / 10,
        "clip_norm": 1.0,
    }
    mild = DEIT_AUGMENTATION | {"min_crop": 0.35}
    return Preset(SOURCE, epochs, 256, base | tuning, mild | augmentation)


BY_SIZE = (
    SizePreset(
        1_000,
        "under 1,000 images: the features stay fixed and regularisation is strong",
        "head",
        _preset(
            50,
            3e-4,
            {"mixup": 0.2, "cutmix": 0.0, "erasing": 0.0},
            dropout=0.3,
            label_smoothing=0.2,
            drop_path=0.0,
        ),
    ),
    SizePreset(
        10_000,
        "1,000 to 10,000 images: low-rank updates, strong regularisation",
        "lora",
        _preset(
            50,
            1e-4,
            {"mixup": 0.4, "cutmix": 0.5, "erasing": 0.1},
            dropout=0.3,
            label_smoothing=0.2,
        ),
    ),
    SizePreset(
        100_000,
        "10,000 to 100,000 images: every weight, at a small rate",
        "full",
        _preset(30, 1e-4, {}, dropout=0.1),
    ),
    SizePreset(
        math.inf,
        "100,000 images or more: every weight, light regularisation, few epochs",
        "full",
        _preset(20, 2e-4, {}, dropout=0.1, label_smoothing=0.05),
    ),
)


def fine_tune_preset(images: int) -> SizePreset:
    """The first row whose bound lies above the number of training images."""
    return next(row for row in BY_SIZE if images < row.below)
