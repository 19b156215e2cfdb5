"""Several labels an image, and a number an image: from a manifest to a served answer."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vitforge.deployment.client import ask

pytestmark = pytest.mark.slow

LABELS = {
    "multi_label": "{task: multi_label, label_columns: [red, blue], calibration_images: 32}",
    "regression": "{task: regression, label_columns: [height], calibration_images: 32}",
}
CONFIG = """
dataset: {manifest}
model_name: {name}
backbone: small
epochs: 6
data: {data}
selection:
  candidates:
    - label: small
      backbone: timm/vit_tiny_patch16_224
      pretrained: false
      args: {{img_size: 16, patch_size: 4, embed_dim: 32, depth: 2, num_heads: 2,
              weight_init: moco}}
finetuning:
  batch_size: 32
  learning_rate: 2.0e-3
  warmup_epochs: 1
  augmentation: {{min_crop: 1.0, erasing: 0.0, mixup: 0.0, cutmix: 0.0}}
evaluation:
  bootstrap: 100
  skip: [attention, attention_maps, shift, adversarial, edge_cases, efficiency]
export: {{latency_runs: 10}}
"""


def drawn(rng: np.random.Generator, *, red: bool, blue: bool, height: int = 1) -> Image.Image:
    """Grey noise with a red and a blue square where asked for, and a green bar."""
    pixels = rng.integers(90, 130, (32, 32, 3)).astype(np.uint8)
    if red:
        pixels[2:14, 2:14] = (230, 20, 20)
    if blue:
        pixels[18:30, 2:14] = (20, 20, 230)
    pixels[4 : 4 + height, 18:30] = (20, 230, 20)
    return Image.fromarray(pixels)


def manifest(folder: Path, task: str, n: int = 240) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for at in range(n):
        red, blue, height = int(rng.integers(2)), int(rng.integers(2)), int(rng.integers(1, 24))
        drawn(rng, red=bool(red), blue=bool(blue), height=height).save(folder / f"{at}.png")
        truth = {"height": height * 10.0} if task == "regression" else {"red": red, "blue": blue}
        rows.append({"path": f"{at}.png", **truth})
    path = folder / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(params=sorted(LABELS))
def live(
    request: pytest.FixtureRequest, tmp_path: Path, vitforge: Callable[..., Any]
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A task, its run's result, and where its promoted version answers."""
    task = request.param
    name = task.replace("_", "-")
    config = tmp_path / "config.yaml"
    data = LABELS[task]
    config.write_text(CONFIG.format(manifest=manifest(tmp_path, task), name=name, data=data))
    ran = vitforge("run", config, "--json")
    assert ran.returncode == 0, ran.stderr[-3000:]
    result = json.loads(ran.stdout.splitlines()[-1])
    promoted = vitforge("promote", name, "--port", "0", "--json")
    assert promoted.returncode == 0, promoted.stderr
    yield task, result, json.loads(promoted.stdout.splitlines()[-1])["url"]
    vitforge("stop", name)


def test_a_task_goes_all_the_way(
    live: tuple[str, dict[str, Any], str], tmp_path: Path, vitforge: Callable[..., Any]
) -> None:
    task, result, url = live
    assert result["deployment"]["status"] == "rehearsed"
    assert result["metrics"]["auroc" if task == "multi_label" else "r2"] > 0.5
    assert "fp32_top1" not in result["metrics"]
    images = {}
    for name, height in (("low", 2), ("high", 22)):
        path = tmp_path / f"{name}.png"
        drawn(np.random.default_rng(1), red=True, blue=False, height=height).save(path)
        images[name] = path
    answers = {name: ask(url, path.read_bytes()) for name, path in images.items()}
    assert all(answer["model"]["version"] == "1" for answer in answers.values())
    printed = vitforge("predict", images["low"], "--model", task.replace("_", "-")).stdout
    if task == "regression":
        assert answers["high"]["value"] > answers["low"]["value"] + 20
        assert f"{answers['low']['value']:g}" in printed
        return
    red, blue = answers["low"]["probabilities"]
    assert red["probability"] > blue["probability"]
    # the thresholds and temperatures that evaluation fitted came along
    called = [row["label"] for row in (red, blue) if row["confidence"] >= row["threshold"]]
    assert answers["low"]["labels"] == called and "red" in called
    assert f"red {red['probability']:.4f}" in printed
