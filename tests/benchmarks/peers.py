"""The same training by others: timm's loader, optimizer and schedule, and the HF Trainer.

Both follow their own examples: files are decoded in each epoch by two worker processes, every
epoch ends with a validation. Nothing is augmented, so that all do the same work.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.training.fit import fit
from vitforge.training.images import PIECE, ImageSet, decode_images
from vitforge.training.job import Job

MEAN, STD, CLASSES, WORKERS = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 10, 2


@dataclass(frozen=True)
class Work:
    """What everybody does.

    Attributes:
        folder: Holds `train` and `val`, one folder of JPEGs a class.
        architecture: Of timm.
        args: Its arguments.
        size: Height and width of an image, pixels.
        epochs: Passes.
        rate: Peak learning rate.
        batch: Images a step.
        frozen: Blocks that are not trained; None trains the head alone, -1 all.
    """

    folder: Path
    architecture: str
    args: dict[str, object]
    size: int
    epochs: int
    rate: float
    batch: int = 64
    frozen: int | None = -1

    def model(self) -> nn.Module:
        """The same weights for everybody."""
        torch.manual_seed(0)
        made = timm.create_model(self.architecture, num_classes=CLASSES, **self.args)
        if self.frozen != -1:
            made.requires_grad_(False)
            for block in [] if self.frozen is None else made.blocks[self.frozen :]:
                block.requires_grad_(True)
            if self.frozen is not None:
                made.norm.requires_grad_(True)
            made.get_classifier().requires_grad_(True)
        return made


def write_digits(folder: Path, size: int, train: int, val: int) -> None:
    """scikit-learn's digits as JPEGs, `train` and `val` of them."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.images))[: train + val]
    for place, at in enumerate(order):
        part = folder / ("train" if place < train else "val") / str(digits.target[at])
        part.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray((digits.images[at] * 15.9).astype(np.uint8)).convert("RGB")
        image.resize((size, size), Image.Resampling.BICUBIC).save(part / f"{at}.jpg", quality=92)


def ours(work: Work, **recipe: object) -> tuple[float, float, str]:
    """Seconds with decoding, final accuracy, and what was decided about the cache."""
    spec = BackboneSpec(
        library="timm", name=work.architecture, args=work.args, pretrained=False, label="same"
    )
    how = Preprocessing(image_size=work.size, mean=MEAN, std=STD, resize="squash")
    strategy = {None: "head", -1: "full"}.get(work.frozen, "partial")
    off = AugmentationConfig(
        randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
    )
    settings = FinetuningConfig.model_validate(
        {
            "batch_size": work.batch,
            "learning_rate": work.rate,
            "warmup_epochs": 1,
            "label_smoothing": 0.0,
            "drop_path": 0.0,
            "frozen_blocks": max(0, work.frozen or 0),
            "augmentation": off,
            **recipe,
        }
    )
    backbone = build(spec, CLASSES)
    backbone.model.load_state_dict(work.model().state_dict())
    began = time.perf_counter()
    sets = [_image_set(work.folder / part, how) for part in ("train", "val")]
    fitted = fit(backbone, Job(*sets, CLASSES, how, settings, strategy, work.epochs, seed=0))
    return time.perf_counter() - began, fitted.records[-1].val_top1 or 0.0, fitted.note


def by_timm(work: Work) -> tuple[float, float]:
    """Seconds and final accuracy of timm's parts, put together as its train.py does."""
    from timm.data import ImageDataset, create_loader
    from timm.optim import create_optimizer_v2
    from timm.scheduler import CosineLRScheduler
    from timm.utils import AverageMeter, accuracy

    model = work.model()
    began = time.perf_counter()
    loaders = [
        create_loader(
            ImageDataset(str(work.folder / part)),
            input_size=(3, work.size, work.size),
            batch_size=work.batch,
            is_training=part == "train",
            no_aug=True,
            use_prefetcher=False,
            interpolation="bicubic",
            mean=MEAN,
            std=STD,
            crop_pct=1.0,
            num_workers=WORKERS,
            device=torch.device("cpu"),
        )
        for part in ("train", "val")
    ]
    optimizer = create_optimizer_v2(model, opt="adamw", lr=work.rate, weight_decay=0.05)
    steps = len(loaders[0])
    schedule = CosineLRScheduler(
        optimizer,
        t_initial=work.epochs * steps,
        lr_min=1e-6,
        warmup_t=steps,
        warmup_prefix=False,
        t_in_epochs=False,
    )
    loss_of, step = nn.CrossEntropyLoss(), 0
    for _ in range(work.epochs):
        model.train()
        losses = AverageMeter()
        for images, labels in loaders[0]:
            schedule.step_update(step)
            loss = loss_of(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.update(loss.item(), len(images))
            step += 1
        model.eval()
        right = AverageMeter()
        with torch.inference_mode():
            for images, labels in loaders[1]:
                right.update(accuracy(model(images), labels)[0].item(), len(images))
    return time.perf_counter() - began, right.avg / 100


class _Files(torch.utils.data.Dataset):
    """Decoded anew each time, as the HF example's `with_transform` does."""

    def __init__(self, folder: Path, size: int) -> None:
        from torchvision.transforms import v2

        self.files = _files(folder)
        self.transform = v2.Compose(
            [
                v2.Resize((size, size), interpolation=v2.InterpolationMode.BICUBIC),
                v2.PILToTensor(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, at: int) -> dict[str, object]:
        with Image.open(self.files[at]) as image:
            pixels = self.transform(image.convert("RGB"))
        return {"pixel_values": pixels, "labels": int(self.files[at].parent.name)}


class WithLoss(nn.Module):
    """What the HF Trainer wants of a model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor, labels: torch.Tensor) -> dict[str, object]:
        logits = self.model(pixel_values)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def by_trainer(work: Work, folder: Path) -> tuple[float, float]:
    """Seconds and final accuracy of the HF Trainer."""
    from transformers import Trainer, TrainingArguments

    model = WithLoss(work.model())
    began = time.perf_counter()
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=work.epochs,
            per_device_train_batch_size=work.batch,
            per_device_eval_batch_size=work.batch,
            learning_rate=work.rate,
            weight_decay=0.05,
            lr_scheduler_type="cosine",
            warmup_steps=len(_files(work.folder / "train")) // work.batch,
            eval_strategy="epoch",
            save_strategy="no",
            report_to=[],
            dataloader_num_workers=WORKERS,
            use_cpu=True,
            disable_tqdm=True,
            logging_strategy="no",
            seed=0,
        ),
        train_dataset=_Files(work.folder / "train", work.size),
        eval_dataset=_Files(work.folder / "val", work.size),
        compute_metrics=lambda told: {
            "top1": float((told.predictions.argmax(1) == told.label_ids).mean())
        },
    )
    trainer.train()
    seconds = time.perf_counter() - began
    told = [line["eval_top1"] for line in trainer.state.log_history if "eval_top1" in line]
    return seconds, told[-1]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.jpg"))


def _image_set(folder: Path, how: Preprocessing) -> ImageSet:
    files = _files(folder)
    pixels = decode_images(
        lambda at: files[at : at + PIECE], len(files), how, threads=torch.get_num_threads()
    )
    labels = torch.tensor([int(file.parent.name) for file in files])
    return ImageSet(pixels, labels, tuple(file.stem for file in files))
