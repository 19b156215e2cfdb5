"""Published recipes, as the config can say them, and what each wants beyond it."""

from dataclasses import dataclass, field
from typing import Any

DEIT = "Touvron et al. 2021, https://arxiv.org/abs/2012.12877, table 9"
DOCUMENT = "the project's source document, its recipe builder"


@dataclass(frozen=True)
class Preset:
    """A recipe as published."""

    source: str
    epochs: int
    batch_size: int
    """Images an optimizer step that the rate was published for."""
    finetuning: dict[str, Any]
    """Values of `FinetuningConfig`, without `augmentation` and `batch_size`."""
    augmentation: dict[str, Any]
    """Values of `AugmentationConfig`."""
    beyond: tuple[str, ...] = field(default=())
    """What the recipe has and the config cannot say."""


DEIT_AUGMENTATION = {
    "randaugment_ops": 2,
    "randaugment_magnitude": 9,
    "horizontal_flip": 0.5,
    "min_crop": 0.08,
    "erasing": 0.25,
    "mixup": 0.8,
    "cutmix": 1.0,
}
DEIT_FINETUNING = {
    "learning_rate": 1e-3,
    "min_learning_rate": 1e-5,
    "warmup_epochs": 5.0,
    "weight_decay": 0.05,
    "beta1": 0.9,
    "beta2": 0.999,
    "clip_norm": 0.0,
    "label_smoothing": 0.1,
    "dropout": 0.0,
    "drop_path": 0.1,
}
_DEIT_BEYOND = (
    "repeated augmentation, 3 views an image a batch",
    "RandAugment's noise on the magnitude, mstd 0.5",
)

PRESETS: dict[str, Preset] = {
    "deit": Preset(DEIT, 300, 1024, DEIT_FINETUNING, DEIT_AUGMENTATION, _DEIT_BEYOND),
    "deit-document": Preset(
        DOCUMENT,
        300,
        1024,
        # Dropout and a warm-up of 20 epochs are where the document departs from DeiT's paper.
        DEIT_FINETUNING | {"dropout": 0.1, "warmup_epochs": 20.0},
        DEIT_AUGMENTATION,
        ("dropout inside the blocks: the config's dropout is the head's",),
    ),
    "deit3": Preset(
        "Touvron et al. 2022, https://arxiv.org/abs/2204.07118, ImageNet-1k",
        800,
        2048,
        DEIT_FINETUNING | {"learning_rate": 2e-3, "label_smoothing": 0.0, "clip_norm": 1.0},
        DEIT_AUGMENTATION | {"randaugment_ops": 0, "erasing": 0.0},
        (
            "LAMB at 3e-3 (ViT-B) or 4e-3 (ViT-S); AdamW here takes DeiT's rate for the batch",
            "binary cross entropy over classes in place of softmax",
            "3-Augment (grey, solarize or blur) and colour jitter 0.3 in place of RandAugment",
            "repeated augmentation, 3 views an image a batch",
            "layer scale, a setting of the backbone: take a deit3 one",
            "drop path by size: 0.05 S, 0.2 B, 0.45 L, 0.6 H; 0.1 stands here",
        ),
    ),
    "augreg": Preset(
        "Steiner et al. 2022, https://arxiv.org/abs/2106.10270, medium2, ImageNet-1k",
        300,
        4096,
        DEIT_FINETUNING
        | {
            "min_learning_rate": 0.0,
            "weight_decay": 0.1,
            "clip_norm": 1.0,
            "label_smoothing": 0.0,
            "warmup_epochs": 32.0,
        },
        DEIT_AUGMENTATION
        | {
            "randaugment_magnitude": 10,
            "min_crop": 0.05,
            "erasing": 0.0,
            "mixup": 0.5,
            "cutmix": 0.0,
        },
        (
            "RandAugment magnitude 15; the config's scale ends at 10",
            "mixup with a fixed probability 0.5 drawn anew each step",
            "dropout 0.1 inside the blocks",
        ),
    ),
    "medical": Preset(
        "Xiao et al. 2023, https://arxiv.org/abs/2210.12843, FINETUNE.md of medical_mae",
        75,
        256,
        DEIT_FINETUNING
        | {
            "learning_rate": 2.5e-4,
            "drop_path": 0.2,
            "label_smoothing": 0.0,
            "min_learning_rate": 1e-6,
        },
        {
            "randaugment_ops": 2,
            "randaugment_magnitude": 6,
            # Left and right, and what lies where, are the diagnosis: nothing is mirrored or mixed.
            "horizontal_flip": 0.0,
            # Of this project, not of the source: a crop that keeps at least half the picture.
            "min_crop": 0.5,
            "erasing": 0.0,
            "mixup": 0.0,
            "cutmix": 0.0,
        },
        (
            "layer-wise learning-rate decay 0.55",
            "binary cross entropy over several labels an image",
            "a split by patient: see the data section",
        ),
    ),
}
