"""Settings of `finetune_model`: the recipe."""

from typing import Literal

from pydantic import Field, model_validator

from vitforge.config.section import AtLeastOne, Count, Fraction, Positive, Section


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


class DistillationConfig(Section):
    """A teacher whose answers the student learns beside the labels (single_label only)."""

    teacher: str = ""
    """A checkpoint folder of the same classes, or a backbone's name; empty = off."""

    kind: Literal["soft", "hard"] = "soft"
    """`soft`: its probabilities (arXiv:1503.02531); `hard`: its decision (arXiv:2012.12877)."""

    share: Fraction = 0.5
    """Share of the teacher's part in the loss, [0, 1]; DeiT takes 0.5 for `hard`."""

    temperature: float = Field(default=3.0, gt=0.0)
    """Softens both answers in `soft`; DeiT takes 3."""


class FinetuningConfig(Section):
    """How the chosen backbone is trained."""

    batch_size: AtLeastOne = 64
    """Images an optimizer step, count."""

    micro_batch: Count = 0
    """Images computed at once, count; gradients add up to those of `batch_size`. 0 = the whole
    batch, halved each time memory runs out."""

    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0)
    """Peak learning rate, reached after warm-up."""

    min_learning_rate: float = Field(default=1e-6, ge=0.0, le=1.0)
    """Learning rate that the cosine ends at."""

    warmup_epochs: float = Field(default=5.0, ge=0.0)
    """Epochs of linear warm-up; must be shorter than the training."""

    layer_decay: float = Field(default=1.0, gt=0.0, le=1.0)
    """Learning rate of each layer over that of the layer above, (0, 1]; early layers hold what is
    general. BEiT fine-tunes with 0.65 to 0.85; 1 = off (arXiv:2106.08254)."""

    l2_sp: float = Field(default=0.0, ge=0.0)
    """λ of λ‖θ - θ_pre‖², which holds pretrained weights near where they began; 0 = off
    (arXiv:1802.01483). 0.01 is usual; set weight_decay: 0 for it alone."""

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

    class_weights: Literal["none", "balanced"] = "none"
    """Weight of a class in the loss: `balanced` gives rare classes as much as frequent ones,
    n / (K n_k); of a multi-label class the positives get negatives / positives."""

    balanced_sampling: bool = False
    """Draw training images so that every class is as likely; images of rare classes come again."""

    multi_label_loss: Literal["bce", "asymmetric"] = "bce"
    """`asymmetric` looks away from easy negatives: for many labels, few of them true
    (arXiv:2009.14119)."""

    regression_loss: Literal["l1", "l2", "huber"] = "l2"
    """On the standardised target; `l1` and `huber` suffer less from outliers."""

    best_by: str = ""
    """Validation metric that picks the best epoch and ends patience; empty takes the task's:
    top1 (or balanced_accuracy, macro_f1), mean_average_precision (macro_f1), mae (rmse, r2), for
    ordinal mae (quadratic_kappa, top1); loss for any."""

    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Chance of a zeroed activation before the head, [0, 1); DeiT uses 0.0."""

    attention_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Chance of a zeroed attention weight, [0, 1); ViTs are mostly trained with 0.0."""

    patch_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of patches left out of a training image, [0, 1): 0.5 about halves a step's time
    (arXiv:2208.07220). Plain ViTs only."""

    smallest_size: Count = 0
    """Progressive resizing: training begins with images of this height and width, pixels, and
    grows in steps to the full size over the first half of the epochs; 0 = off. Validation is
    always at full size."""

    drop_path: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Stochastic depth: the last block's chance to be skipped, growing linearly from 0
    (arXiv:1603.09382)."""

    ema_decay: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Decay of the weights' moving average, which is then what is evaluated and saved; 0 = off."""

    frozen_blocks: Count = 0
    """Blocks kept fixed, from the input on; used by strategy `partial`."""

    frozen_cache: Literal["auto", "on", "off"] = "auto"
    """Run the frozen part once and train from its stored activations (strategies `head` and
    `partial`); `auto` does so where it pays."""

    frozen_cache_views: AtLeastOne = 4
    """Augmented versions of each image that are stored, count; the epochs take them in turn. More
    cost time and room; one is enough where nothing is augmented."""

    frozen_cache_gib: float = Field(default=32.0, gt=0.0)
    """Largest size of the stored activations, GiB."""

    probe_epochs: Count = 0
    """Epochs in which strategy `lp_ft` trains the head alone before all weights; of the epochs
    in all, count (arXiv:2202.10054)."""

    probe_learning_rate: float = Field(default=1e-2, gt=0.0, le=1.0)
    """Peak learning rate of those epochs; a fresh head on fixed features bears ten times more."""

    unfreeze_every: AtLeastOne = 1
    """Epochs after which strategy `gradual` frees the next block, from the head down
    (arXiv:1801.06146)."""

    lora_rank: AtLeastOne = 16
    """Rank r of the update BA; 2dr parameters a d-by-d matrix (arXiv:2106.09685)."""

    lora_alpha: float = Field(default=32.0, gt=0.0)
    """LoRA's scale; the update is multiplied by alpha / rank."""

    lora_dora: bool = False
    """Learn the size of each weight column apart from its direction; slower a step, mostly better
    at small ranks (DoRA, arXiv:2402.09353)."""

    distillation: DistillationConfig = DistillationConfig()
    """Learning from a teacher's answers."""

    patience: Count = 0
    """Epochs without a better `best_by` before training stops; 0 = never stop early."""

    validate_every: AtLeastOne = 1
    """Epochs between validations, count."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Arithmetic of the forward pass; `auto` takes bf16 where the hardware has it, else fp32."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; `auto` takes a GPU when there is one."""

    tf32: bool = True
    """Let a GPU multiply fp32 matrices with 10-bit mantissas: several times faster, and what most
    published weights were trained with."""

    compile: bool = False
    """Compile the model first; pays in long trainings on a GPU. Where it fails, training goes on
    without."""

    gradient_checkpointing: bool = False
    """Keep only block boundaries and compute the rest twice: about 30 % slower, a fraction of the
    memory."""

    processes: Literal["auto"] | AtLeastOne = "auto"
    """Processes that share each batch on this machine, count; `auto`: one a GPU, else one."""

    snapshot_seconds: Positive = 300.0
    """Seconds between two snapshots of a running training, at least: what a kill may cost. Where
    saving is slow they are made rarer, so that it takes 1 % of the time."""

    snapshot_steps: Count = 0
    """Steps between two snapshots, whatever the clock says; 0 = by the clock alone."""

    watch_every: AtLeastOne = 50
    """Steps between two looks at gradients, updates and attention; at most 200 looks are taken."""

    augmentation: AugmentationConfig = AugmentationConfig()
    """What is done to training images."""

    repeated_augmentation: AtLeastOne = 1
    """Views of an image in one batch, each augmented in its own way; an epoch then sees fewer
    images. DeiT takes 3; 1 = off (arXiv:1901.09335)."""

    @model_validator(mode="after")
    def _min_below_peak(self) -> "FinetuningConfig":
        if self.min_learning_rate > self.learning_rate:
            raise ValueError("min_learning_rate is above learning_rate; type a smaller one")
        return self

    @model_validator(mode="after")
    def _no_contradiction(self) -> "FinetuningConfig":
        if self.balanced_sampling and self.class_weights == "balanced":
            raise ValueError(
                "balanced_sampling and class_weights: balanced both raise rare classes; take one"
            )
        if self.batch_size % self.repeated_augmentation:
            raise ValueError(
                f"repeated_augmentation ({self.repeated_augmentation}) must divide batch_size "
                f"({self.batch_size})"
            )
        if self.micro_batch > self.batch_size:
            raise ValueError(
                f"micro_batch ({self.micro_batch}) is above batch_size ({self.batch_size})"
            )
        if self.compile and (self.patch_dropout or self.smallest_size):
            raise ValueError(
                "compile needs one input size: leave out patch_dropout and smallest_size"
            )
        return self
