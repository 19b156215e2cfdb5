"""Settings of `finetune_model`: the recipe."""

from typing import Literal

from pydantic import Field, model_validator

from vitforge.config.section import AtLeastOne, Count, Fraction, Section


class AugmentationConfig(Section):
    """What is done to a training image. Defaults suit natural photographs."""

    randaugment_ops: Count = 2
    """Operations drawn for each image, count; 0 = none (RandAugment, arXiv:1909.13719)."""

    randaugment_magnitude: int = Field(default=9, ge=0, le=10)
    """Strength of each operation, [0, 10]; DeiT uses 9."""

    randaugment_space: Literal["photo", "glyph"] = "photo"
    """`photo`: all operations; `glyph`: small rotations, shears, shifts and contrast only, for
    digits, letters and signs, which a flip or a colour change turns into something else."""

    horizontal_flip: Fraction = 0.5
    """Chance of a mirror image, [0, 1]; 0 where left and right differ (digits, text, X-rays)."""

    min_crop: float = Field(default=0.35, gt=0.0, le=1.0)
    """Smallest share of the image's area that a random crop keeps, (0, 1]; 1 = no crop."""

    erasing: Fraction = 0.25
    """Chance that a random rectangle is blanked, [0, 1] (arXiv:1708.04896)."""

    mixup: float = Field(default=0.8, ge=0.0)
    """Mixup's Beta parameter; x = λxᵢ + (1-λ)xⱼ, y alike; 0 = off (arXiv:1710.09412)."""

    cutmix: float = Field(default=1.0, ge=0.0)
    """CutMix's Beta parameter; a patch of one image in another; 0 = off (arXiv:1905.04899)."""


class FinetuningConfig(Section):
    """How the chosen backbone is trained."""

    batch_size: AtLeastOne = 64
    """Images an optimizer step, count."""

    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0)
    """Peak learning rate, reached after warm-up."""

    min_learning_rate: float = Field(default=1e-6, ge=0.0, le=1.0)
    """Learning rate that the cosine ends at."""

    warmup_epochs: float = Field(default=5.0, ge=0.0)
    """Epochs of linear warm-up; must be shorter than the training."""

    weight_decay: float = Field(default=0.05, ge=0.0)
    """AdamW's decoupled decay; not applied to norms, biases and position embeddings."""

    beta1: float = Field(default=0.9, ge=0.0, lt=1.0)
    """AdamW's memory of the gradient's direction, [0, 1)."""

    beta2: float = Field(default=0.999, ge=0.0, lt=1.0)
    """AdamW's memory of the gradient's size, [0, 1)."""

    clip_norm: float = Field(default=1.0, ge=0.0)
    """Largest gradient norm; larger ones are scaled down; 0 = off."""

    label_smoothing: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Probability mass taken from the right class and spread over all, [0, 1)."""

    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Chance of a zeroed activation before the head, [0, 1); DeiT uses 0.0."""

    drop_path: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Stochastic depth: the last block's chance to be skipped, growing linearly from 0
    (arXiv:1603.09382)."""

    ema_decay: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Decay of the weights' moving average, which is then what is evaluated and saved; 0 = off."""

    frozen_blocks: Count = 0
    """Blocks kept fixed, from the input on; used by strategy `partial`."""

    lora_rank: AtLeastOne = 16
    """Rank r of the update BA; 2dr parameters a d-by-d matrix (arXiv:2106.09685)."""

    lora_alpha: float = Field(default=32.0, gt=0.0)
    """LoRA's scale; the update is multiplied by alpha / rank."""

    patience: Count = 0
    """Epochs without a better validation accuracy before training stops; 0 = never stop early."""

    validate_every: AtLeastOne = 1
    """Epochs between validations, count."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Arithmetic of the forward pass; `auto` takes bf16 where the hardware has it, else fp32."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; `auto` takes a GPU when there is one."""

    augmentation: AugmentationConfig = AugmentationConfig()
    """What is done to training images."""

    @model_validator(mode="after")
    def _min_below_peak(self) -> "FinetuningConfig":
        if self.min_learning_rate > self.learning_rate:
            raise ValueError("min_learning_rate is above learning_rate; type a smaller one")
        return self
