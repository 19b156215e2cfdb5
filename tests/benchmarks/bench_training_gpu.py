"""ViT-B/16 at 224 in bf16 on a GPU: images a second and FLOP utilisation, full and LoRA.

Ours, timm's model in timm's way (autocast, fused AdamW), and the same in the HF Trainer's; images
come from memory, so that the loop is measured and not a disk. Does nothing without CUDA.
"""

import tempfile
import time
from collections.abc import Callable

import numpy as np
import timm
import torch
from harness import keep
from torch import nn

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job

NAME, SIZE, IMAGES, BATCH, EPOCHS, CLASSES = "vit_base_patch16_224", 224, 5120, 128, 3, 1000
FORWARD = 17.58e9 * 2
"""Multiplications and additions of one image's forward pass."""
PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12, "T4": 65e12}
"""Dense bf16 (T4: fp16), from the makers' data sheets, FLOP/s."""
TIMES, UTILISATION = 1.3, 0.5
HOW = Preprocessing(image_size=SIZE, mean=(0.5,) * 3, std=(0.5,) * 3, resize="squash")


def ours(images: ImageSet, strategy: str) -> float:
    """Images a second of the engine's last epoch."""
    recipe = FinetuningConfig(
        batch_size=BATCH,
        warmup_epochs=1,
        drop_path=0.0,
        precision="bf16",
        compile=True,
        augmentation=AugmentationConfig(
            randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
        ),
    )
    spec = BackboneSpec(library="timm", name=NAME, args={}, pretrained=False, label="base")
    job = Job(images, None, CLASSES, HOW, recipe, strategy, EPOCHS, seed=0)
    return fit(build(spec, CLASSES), job).records[-1].images_per_second


def with_lora(model: nn.Module) -> nn.Module:
    """The same adapters as ours."""
    from peft import LoraConfig, get_peft_model

    targets = r"blocks\.\d+\.(attn\.(qkv|proj)|mlp\.fc[12])"
    config = LoraConfig(r=16, lora_alpha=32, target_modules=targets, modules_to_save=["head"])
    return get_peft_model(model, config)


def by_timm(images: ImageSet, strategy: str) -> float:
    """timm's model, in the last epoch of a loop like that of its train.py."""
    model = timm.create_model(NAME, num_classes=CLASSES)
    model = (with_lora(model) if strategy == "lora" else model).cuda().train()
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-4, fused=True)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(EPOCHS):
        order = torch.randperm(IMAGES)
        torch.cuda.synchronize()
        began = time.perf_counter()
        for index in order.split(BATCH):
            inputs = images.pixels_NCHW[index].cuda(non_blocking=True).float().div_(127.5).sub_(1)
            with torch.autocast("cuda", torch.bfloat16):
                loss = loss_of(model(inputs), images.labels_N[index].cuda(non_blocking=True))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
        torch.cuda.synchronize()
        if epoch == EPOCHS - 1:
            return IMAGES / (time.perf_counter() - began)
    raise AssertionError


def by_trainer(images: ImageSet, strategy: str) -> float:
    """timm's model in the HF Trainer, images normalised before."""
    from peers import WithLoss
    from transformers import Trainer, TrainingArguments

    model = timm.create_model(NAME, num_classes=CLASSES)
    pixels, labels = images.pixels_NCHW, images.labels_N

    class Memory(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return IMAGES

        def __getitem__(self, at: int) -> dict[str, object]:
            return {"pixel_values": pixels[at].float() / 127.5 - 1, "labels": int(labels[at])}

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=BATCH,
            bf16=True,
            optim="adamw_torch_fused",
            save_strategy="no",
            report_to=[],
            dataloader_num_workers=8,
            disable_tqdm=True,
        )
        wrapped = WithLoss(with_lora(model) if strategy == "lora" else model)
        told = Trainer(model=wrapped, args=arguments, train_dataset=Memory()).train()
    return float(told.metrics["train_samples_per_second"])


def main() -> None:
    """Measure and keep, where there is a GPU."""
    if not torch.cuda.is_available():
        print("training_gpu needs a GPU; nothing was measured")
        return
    device = torch.cuda.get_device_name()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    labels = torch.from_numpy(rng.integers(0, CLASSES, IMAGES))
    images = ImageSet(
        torch.from_numpy(pixels).permute(0, 3, 1, 2), labels, tuple(map(str, range(IMAGES)))
    )
    peak = next((rate for name, rate in PEAK.items() if name in device), 0.0)
    loops: dict[str, Callable[[ImageSet, str], float]] = {"timm": by_timm, "trainer": by_trainer}
    for strategy, passes in (("full", 3), ("lora", 2)):
        # LoRA computes no gradients of frozen weights: forward, and backward to the activations.
        mine = ours(images, strategy)
        peers = {name: loop(images, strategy) for name, loop in loops.items()}
        used = mine * FORWARD * passes / peak if peak else float("nan")
        best = max(peers.values())
        keep(
            f"training_gpu_{strategy}",
            ours=mine,
            peer=best,
            goal="at least 1.3 times the better peer and half of the peak FLOP/s",
            met=mine >= TIMES * best and used >= UTILISATION,
            unit="images/s",
            peer_name="the better of timm and the HF Trainer",
            flop_utilisation=used,
            gpu=device,
            **peers,
        )


if __name__ == "__main__":
    main()
