"""A generated script loses what the engine loses: two steps from one seed, on the same images.

The batch is the whole data set, since the two shuffle by different generators; what is random by
image (flips, crops, mixup) is off for the same reason.
"""

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vitforge.artifacts import BackboneSpec, Preprocessing
from vitforge.backbones import build
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.planning.codegen import ScriptOptions, generate
from vitforge.training.fit import fit
from vitforge.training.images import ImageSet
from vitforge.training.job import Job

SIZE, COUNT = 16, 8
SPECS = {
    "timm": BackboneSpec(
        library="timm",
        name="vit_tiny_patch16_224",
        args={"img_size": SIZE, "patch_size": 4, "embed_dim": 32, "depth": 3, "num_heads": 2},
        pretrained=False,
        label="",
    ),
    "transformers": BackboneSpec(
        library="transformers",
        name="vit",
        args={
            "model_type": "vit",
            "image_size": SIZE,
            "patch_size": 4,
            "hidden_size": 32,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "intermediate_size": 64,
        },
        pretrained=False,
        label="",
    ),
}
RECIPE = FinetuningConfig(
    batch_size=COUNT,
    learning_rate=3e-3,
    warmup_epochs=1,
    label_smoothing=0.1,
    weight_decay=0.3,
    clip_norm=0.5,
    drop_path=0.0,
    dropout=0.0,
    ema_decay=0.0,
    frozen_blocks=2,
    lora_rank=4,
    device="cpu",
    precision="fp32",
    augmentation=AugmentationConfig(
        randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
    ),
)
STRATEGIES = ("full", "partial", "head", "lora")
ROWS = [
    *((library, strategy, "fp32") for library in SPECS for strategy in STRATEGIES),
    ("timm", "full", "bf16"),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models wait for threads longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_two_steps_lose_the_same(row: Any, tmp_path: Path, monkeypatch, capsys) -> None:
    library, strategy, precision = row
    pixels = np.random.default_rng(3).integers(0, 256, (COUNT, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.arange(COUNT) % 2
    for at, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        for split in ("train", "val"):
            folder = tmp_path / split / f"class-{label}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{at}.png")
    recipe = RECIPE.model_copy(update={"precision": precision})
    options = ScriptOptions(
        SPECS[library], "single-label", strategy, recipe, epochs=2, seed=7, precision=precision
    )
    script = tmp_path / "train.py"
    script.write_text(generate(options).text)
    argv = ["train.py", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", argv)
    runpy.run_path(str(script), run_name="__main__")
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step")]
    scripts = [float(line.split("loss ")[1]) for line in said]

    torch.manual_seed(7)
    backbone = build(SPECS[library], 2)
    how = Preprocessing(image_size=SIZE, mean=(0.5,) * 3, std=(0.5,) * 3)
    images = ImageSet(
        torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()),
        torch.from_numpy(labels),
        tuple(map(str, range(COUNT))),
    )
    fitted = fit(backbone, Job(images, None, 2, how, recipe, strategy, epochs=2, seed=7))
    engines = [record.train_loss for record in fitted.records]
    assert len(scripts) == 2
    assert scripts == pytest.approx(engines, abs=2e-3 if precision == "bf16" else 5e-6)
    assert scripts[1] != scripts[0]
