"""What the engine costs over a bare PyTorch loop that does the same work, at about 15 ms a step.

Both read the same bytes, clip, schedule and step alike; epochs of both alternate, and the best of
each is compared, since another process can only slow a step down.
"""

import time

import numpy as np
import torch
from harness import keep
from torch.nn import functional as F

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.planning.schedule import learning_rate
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job
from vitforge.training.normalise import normalise, to_unit
from vitforge.training.parameter_groups import parameter_groups

IMAGES, BATCH, EPOCHS, ROUNDS, LIMIT = 1280, 64, 3, 10, 1.03
HOW = Preprocessing(image_size=16, mean=(0.5,) * 3, std=(0.25,) * 3, resize="squash")
ARGS = {"img_size": 16, "patch_size": 4, "embed_dim": 48, "depth": 3, "num_heads": 3}
SPEC = BackboneSpec(
    library="timm", name="vit_tiny_patch16_224", args=ARGS, pretrained=False, label="small"
)
RECIPE = FinetuningConfig(
    batch_size=BATCH,
    warmup_epochs=1,
    drop_path=0.0,
    device="cpu",
    precision="fp32",
    augmentation=AugmentationConfig(
        randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
    ),
)


def bare(images: ImageSet) -> float:
    """Milliseconds a step of the best epoch of a plain loop."""
    torch.manual_seed(0)
    model = build(SPEC, 10).train()
    weights = list(model.parameters())
    optimizer = torch.optim.AdamW(
        parameter_groups(model, RECIPE.weight_decay), lr=1e-3, betas=(0.9, 0.999), fused=True
    )
    steps, best, step = IMAGES // BATCH, float("inf"), 0
    for epoch in range(EPOCHS):
        began = time.perf_counter()
        order = np.random.default_rng(epoch).permutation(IMAGES)
        for at in range(steps):
            rate = learning_rate(step, steps * EPOCHS, steps, 1e-3, 1e-6)
            for group in optimizer.param_groups:
                group["lr"] = rate
            index = torch.from_numpy(order[at * BATCH : (at + 1) * BATCH])
            inputs = normalise(to_unit(images.pixels_NCHW[index]), HOW)
            labels = images.labels_N[index]
            loss = F.cross_entropy(model(inputs), labels, label_smoothing=0.1)
            loss.item()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0, foreach=True)
            optimizer.step()
            step += 1
        best = min(best, (time.perf_counter() - began) / steps)
    return best * 1e3


def engine(images: ImageSet) -> float:
    """Milliseconds a step of the engine's best epoch."""
    torch.manual_seed(0)
    job = Job(images, None, 10, HOW, RECIPE, "full", EPOCHS, seed=0)
    return min(BATCH / r.images_per_second for r in fit(build(SPEC, 10), job).records) * 1e3


def main() -> None:
    """Measure and keep."""
    torch.set_num_threads(1)
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, 16, 16, 3), dtype=np.uint8)
    images = ImageSet(
        torch.from_numpy(pixels).permute(0, 3, 1, 2),
        torch.arange(IMAGES) % 10,
        tuple(map(str, range(IMAGES))),
    )
    pairs = [(engine(images), bare(images)) for _ in range(ROUNDS)]
    ours, peer = (min(values) for values in zip(*pairs, strict=True))
    keep(
        "training_overhead",
        ours=ours,
        peer=peer,
        goal="at most 3 % over a bare loop",
        met=ours <= LIMIT * peer,
        unit="ms a step",
        peer_name="a bare PyTorch loop",
        rounds=[[round(value, 3) for value in pair] for pair in pairs],
    )


if __name__ == "__main__":
    main()
