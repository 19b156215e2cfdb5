"""Input pipeline with DeiT's augmentation on 500 × 375 JPEGs, uint8 out, one core: ours and timm's.

The first epoch decodes; from the second on ours reads decoded bytes. CPU time is measured, since
that is what a core can do. Pixel statistics are compared with torchvision's of the same files.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from harness import keep
from PIL import Image
from timm.data import ImageDataset, auto_augment, create_transform
from timm.data.loader import fast_collate
from torchvision.transforms import v2

from vitforge.artifacts import Preprocessing
from vitforge.config import AugmentationConfig
from vitforge.training.augmentation import augment
from vitforge.training.images import PIECE, decode_images

IMAGES, EPOCHS, BATCH, SIZE, TIMES = 256, 4, 64, 224, 10.0
HOW = Preprocessing(
    image_size=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), resize="crop"
)
RECIPE = AugmentationConfig(erasing=0, mixup=0, cutmix=0)


def pictures(folder: Path) -> list[Path]:
    """JPEGs with the 1/f spectrum of photographs."""
    rng = np.random.default_rng(0)
    rows, columns = np.fft.fftfreq(375)[:, None], np.fft.fftfreq(500)[None]
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / 500)
    files = []
    for at in range(IMAGES):
        waves = np.fft.fft2(rng.normal(size=(3, 375, 500)), axes=(1, 2)) * fall
        field = np.fft.ifft2(waves, axes=(1, 2)).real
        field = field / field.std() * 50 + rng.uniform(80, 160, (3, 1, 1))
        files.append(folder / "class" / f"{at:04}.jpg")
        files[-1].parent.mkdir(exist_ok=True)
        pixels = field.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
        Image.fromarray(pixels).save(files[-1], quality=90)
    return files


def at_least_one_bit(image: Image.Image, bits: int, **rest: object) -> Image.Image:
    """timm sometimes keeps no bit at all, which Pillow refuses since version 12."""
    return auto_augment.posterize(image, max(1, bits), **rest)


for operation, made_by in auto_augment.NAME_TO_OP.items():
    if made_by is auto_augment.posterize:
        auto_augment.NAME_TO_OP[operation] = at_least_one_bit


def timm_epoch(folder: Path) -> Iterator[np.ndarray]:
    """timm's transform, data set and collation, bicubic, in this process."""
    transform = create_transform(
        SIZE,
        is_training=True,
        use_prefetcher=True,  # bytes out; it normalises and erases on the device
        auto_augment="rand-m9-mstd0.5-inc1",
        interpolation="bicubic",
        scale=(RECIPE.min_crop, 1.0),
        hflip=RECIPE.horizontal_flip,
    )
    dataset = ImageDataset(str(folder), transform=transform)
    loader = torch.utils.data.DataLoader(
        dataset, BATCH, shuffle=True, collate_fn=fast_collate, num_workers=0
    )
    for images, _ in loader:
        yield images.numpy()


def our_epoch(pixels: torch.Tensor, epoch: int) -> Iterator[np.ndarray]:
    """Ours, from the decoded bytes."""
    for index in torch.randperm(len(pixels)).split(BATCH):
        yield augment(pixels, index, RECIPE, SIZE, (0, epoch)).numpy()


def spend(batches: Iterator[np.ndarray]) -> float:
    """CPU milliseconds an image."""
    began, images = time.process_time(), 0
    for batch in batches:
        images += len(batch)
    return (time.process_time() - began) / images * 1e3


def statistics(batches: Iterator[np.ndarray]) -> np.ndarray:
    """Mean and standard deviation of all pixels, levels."""
    pixels = np.concatenate([batch[:, :, ::4, ::4] for batch in batches]).astype(np.float32)
    return np.array([pixels.mean(), pixels.std()])


def torchvision_crops(files: list[Path], epoch: int) -> Iterator[np.ndarray]:
    """torchvision's crop and flip of the square that ours keeps."""
    torch.manual_seed(epoch)
    changed = v2.Compose(
        [
            v2.Resize(256, interpolation=v2.InterpolationMode.BICUBIC),
            v2.CenterCrop(256),
            v2.RandomResizedCrop(SIZE, (RECIPE.min_crop, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.PILToTensor(),
        ]
    )
    for file in files:
        with Image.open(file) as image:
            yield changed(image.convert("RGB"))[None].numpy()


def main() -> None:
    """Measure and keep."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = pictures(folder)
        spend(timm_epoch(folder))  # imports and page cache
        began = time.process_time()
        pixels = decode_images(lambda at: files[at : at + PIECE], IMAGES, HOW, threads=1)
        decode = (time.process_time() - began) / IMAGES * 1e3
        first = decode + spend(our_epoch(pixels, 0))
        ours, peer = [], []
        for epoch in range(1, EPOCHS):
            ours.append(spend(our_epoch(pixels, epoch)))
            peer.append(spend(timm_epoch(folder)))
        plain = RECIPE.model_copy(update={"randaugment_ops": 0})
        mine = (
            augment(pixels, torch.arange(IMAGES), plain, SIZE, (0, epoch)).numpy()
            for epoch in range(EPOCHS)
        )
        here = statistics(mine)
        there = statistics(batch for e in range(EPOCHS) for batch in torchvision_crops(files, e))
    best, other = min(ours), min(peer)
    gap = float(np.abs(here - there).max())
    keep(
        "training_input",
        ours=best,
        peer=other,
        goal="at most 1/10 of timm's time, first epoch not slower, statistics within 1 level",
        met=best * TIMES <= other and first <= other and gap <= 1,
        unit="CPU ms an image",
        peer_name="timm's loader",
        times_faster=other / best,
        first_epoch=first,
        statistics_gap_levels=gap,
        images=IMAGES,
    )


if __name__ == "__main__":
    main()
