"""`vitforge plan` and `vitforge codegen`: answers, pictures, refusals, and configs as before."""

import json
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from vitforge.config import Strategy, load_config
from vitforge_pipelines.cli import run as run_module
from vitforge_pipelines.cli.main import app

runner = CliRunner()


def ask(*words: object) -> Any:
    result = runner.invoke(app, [*map(str, words), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(*words: object) -> str:
    result = runner.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 2
    assert result.stdout == ""
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("words", [["CONFIG"], ["CONFIG", "--json"], ["--json", "CONFIG"]])
def test_a_config_is_still_planned(words, tmp_path: Path, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(run_module, "_read", lambda path, changes, _: seen.append((path, changes)))
    monkeypatch.setattr(run_module, "_execute", lambda *_: sys.exit(7))
    path = tmp_path / "my.yaml"
    path.write_text("epochs: 3")
    words = [str(path) if word == "CONFIG" else word for word in words]
    assert runner.invoke(app, ["plan", *words, "-s", "seed=1"]).exit_code == 7
    assert seen == [(path, ["seed=1"])]


def test_a_missing_config_and_a_misspelt_word(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no such config file" in refused("plan", "nothing.yaml")
    assert "Did you mean 'schedule'?" in refused("plan", "shedule")


def test_every_planner_says_how_to_use_it() -> None:
    shown = runner.invoke(app, ["plan", "--help"]).stdout
    for name in ("schedule", "recipe", "freeze", "lora", "memory", "metrics", "attention"):
        assert name in shown
        assert f"vitforge plan {name}" in runner.invoke(app, ["plan", name, "--help"]).stdout


@pytest.mark.parametrize("verb", ["schedule", "memory"])
def test_every_strategy_of_the_config_is_taken(verb: str) -> None:
    shown = " ".join(runner.invoke(app, ["plan", verb, "--help"]).stdout.replace("│", " ").split())
    more = ["--size", "tiny", "--quick"] if verb == "memory" else []
    for name in get_args(Strategy):
        assert name in shown
        assert ask("plan", verb, "--strategy", name, *more)


def test_schedule(tmp_path: Path) -> None:
    made = ask("plan", "schedule", "--warmup", 2000)
    assert (made["base"], made["total"]) == (0.001, 50_000)
    assert len(made["points"]) >= 100
    scaled = ["--lr", "5e-4", "--scale-from", 512, "--batch", 128, "--images", 1280]
    made = ask("plan", "schedule", *scaled, "--epochs", 30, "--warmup-epochs", 5)
    assert made["base"] == pytest.approx(1.25e-4)
    assert (made["warmup"], made["total"]) == (50, 300)


@pytest.mark.parametrize("ending", ["svg", "html"])
def test_pictures(ending: str, tmp_path: Path) -> None:
    for words in (["schedule"], ["attention", "diverse", "--tokens", "17"]):
        path = tmp_path / f"{words[0]}.{ending}"
        ask("plan", *words, "--plot", path)
        assert "<svg" in path.read_text()
        assert ("<html" in path.read_text()) == (ending == "html")


def test_recipes_are_configs(tmp_path: Path) -> None:
    for name in ("deit", "deit3", "augreg", "medical", "deit-document"):
        result = runner.invoke(app, ["plan", "recipe", name], catch_exceptions=False)
        path = tmp_path / f"{name}.yaml"
        path.write_text(result.stdout)
        assert load_config(path).epochs == yaml.safe_load(result.stdout)["epochs"]
    made = ask("plan", "recipe", "--images", 500, "--train-top1", 0.99, "--val-top1", 0.7)
    assert made["config"]["strategy"] == "head"
    assert "overfitting" in made["advice"][0]["saw"]


def test_freeze_from_a_number_and_from_features(tmp_path: Path) -> None:
    assert ask("plan", "freeze", "--images", 5000, "--similarity", 0.6)["frozen_blocks"] == 7
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    noise = rng.normal(size=(40, 4))
    told = noise + 20 * labels[:, None]
    path = tmp_path / "features.npz"
    arrays = {"block_0": noise, "block_1": told, "after_0": noise, "after_1": noise}
    np.savez(path, labels=labels, **arrays)
    made = ask("plan", "freeze", "--images", 500, "--features", path)
    assert made["measured"]["similarity"] == 1.0
    assert (made["depth"], made["strategy"]) == (2, "head")
    assert made["measured"]["settled_blocks"] == 1


def test_freeze_measured_on_images(tmp_path: Path) -> None:
    """Dark and light images: any backbone tells them apart, and few weights have to move."""
    import timm
    import torch
    from PIL import Image
    from timm.models import save_for_hf

    args = {"img_size": 16, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2}
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", num_classes=2, **args)
    save_for_hf(model, tmp_path / "vit", model_args=args, safe_serialization=True)
    rng = np.random.default_rng(0)
    for label, base in (("dark", 20), ("light", 180)):
        for at in range(16):
            path = tmp_path / "photos" / label / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = base + rng.integers(0, 60, (20, 18, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    words = ["--data", tmp_path / "photos", "--backbone", tmp_path / "vit", "--sample", 24]
    made = ask("plan", "freeze", *words, "--steps", 4)
    measured = made["measured"]
    assert (measured["train_images"], measured["sample_images"], measured["depth"]) == (32, 24, 3)
    assert measured["similarity"] > 0.9 and made["strategy"] == "head"
    assert len(measured["probe_per_block"]) == len(measured["cka"]) == 3
    assert all(0 < value <= 1 for value in measured["cka"])
    assert "add --backbone" in refused("plan", "freeze", "--data", tmp_path / "photos")
    assert "add --data" in refused("plan", "freeze", "--backbone", tmp_path / "vit")


def test_lora() -> None:
    made = ask("plan", "lora", "--separate", "--targets", "query-value")
    assert made["adapter_parameters"] == 24 * 2 * 768 * 16
    swin = ask("plan", "lora", "--backbone", "timm/swin_tiny_patch4_window7_224")
    assert len(swin["matrices"]) == 12 * 4
    result = runner.invoke(app, ["plan", "lora", "--size", "tiny"])
    assert "0.864" in result.stderr


def test_memory(tmp_path: Path) -> None:
    made = ask("plan", "memory", "--size", "tiny", "--batch", 8, "--quick")
    assert set(made) == {"document", "formula"}
    device = ["--device", "t4", "--images", 1000]
    made = ask("plan", "memory", "--size", "tiny", "--batch", 8, "--gpu", 1, *device)
    assert made["measured"]["peak"] == pytest.approx(made["formula"]["peak"], rel=0.06)
    assert made["largest_batch"] > 8
    assert made["epoch"]["seconds"] > 0


def test_past_runs_correct_memory_and_speed(monkeypatch) -> None:
    """Three runs on a T4 took twice the time that the table expects, and a tenth more memory."""
    from vitforge.tracking.past_runs import PastRun
    from vitforge_pipelines.cli import past

    expected = 1e9 / past_device().speed("fp32")
    there = [
        PastRun(name, "fp32", 10, 20, 100, memory, 1.0, 1 / (2 * expected))
        for name, memory in (("Tesla T4", 110), ("Tesla T4", 110), ("Tesla T4", None))
    ]
    other = PastRun("NVIDIA L4", "fp32", 10, 20, None, None, 1.0, 1e9)
    words = ["--size", "tiny", "--batch", 2, "--device", "t4", "--images", 100]
    monkeypatch.setattr(past, "past_runs", lambda: ())
    plain = ask("plan", "memory", *words)
    assert plain["epoch"]["correction"]["runs"] == 0 and "corrected" not in plain
    monkeypatch.setattr(past, "past_runs", lambda: (*there, other))
    made = ask("plan", "memory", *words)
    assert made["epoch"]["correction"]["runs"] == 3
    assert made["epoch"]["seconds"] == pytest.approx(2 * plain["epoch"]["seconds"])
    assert made["corrected"]["runs"] == 2
    assert made["corrected"]["peak"] == pytest.approx(1.1 * made["measured"]["peak"])
    assert made["corrected"]["error"] == pytest.approx(1 - 1 / 1.1)
    typed = ask("plan", "memory", *words, "--correction", 3)
    assert typed["epoch"]["seconds"] == pytest.approx(3 * plain["epoch"]["seconds"])


def past_device():
    from vitforge.planning.devices import find_device
    from vitforge_pipelines.cli.device_table import read_device_table

    return find_device("t4", read_device_table(None))


@pytest.mark.parametrize(
    ("name", "device", "such"),
    [
        ("a100-80gb", "NVIDIA A100-SXM4-80GB", True),
        ("rtx-3090", "NVIDIA GeForce RTX 3090", True),
        ("rtx-3090", "NVIDIA GeForce RTX 4090", False),
        ("l4", "NVIDIA L40S", False),
        ("cpu-core", "cpu", True),
        ("h200", "NVIDIA H200", True),
    ],
)
def test_a_device_is_known_by_its_model(name: str, device: str, such: bool) -> None:
    from vitforge_pipelines.cli.past import is_such

    assert is_such(name, device) is such


def test_memory_with_a_table_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "devices.yaml"
    path.write_text("mine: {memory_gib: 1, tflops: {fp32: 1}, utilisation: 0.5}")
    words = ["--size", "tiny", "--batch", 2, "--images", 10, "--devices", path]
    made = ask("plan", "memory", *words, "--device", "mine", "--strategy", "head")
    assert made["epoch"]["seconds"] == pytest.approx(10 * made["forward_flops"] / 0.5e12)


def test_metrics_and_attention(tmp_path: Path) -> None:
    made = ask("plan", "metrics", 0.1, 0.6, 0.1, 0.1, 0.1, "--label", 1)
    assert made["top1"]
    assert made["confidence"] == pytest.approx(0.6)
    assert ask("plan", "attention", "collapsed")["verdict"] == "collapse"
    path = tmp_path / "attention.npy"
    np.save(path, np.full((2, 9, 9), 1 / 9))
    assert ask("plan", "attention", "--file", path)["verdict"] == "uniform"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("plan schedule --warmup 100 --total 100", "type a warm-up of 5 steps"),
        ("plan schedule --epochs -1 --images 100", "type --epochs 30"),
        ("plan schedule --batch 0", "type a batch size of 1 or more"),
        ("plan schedule --strategy lorra", "type lora"),
        ("plan schedule --plot a.png", "type --plot a.svg"),
        ("plan recipe", "type --images 5000"),
        ("plan recipe diet", "deit"),
        ("plan recipe deit --batch 0", "type a batch size of 1 or more"),
        ("plan freeze --images 10", "--features FILE"),
        ("plan freeze --images 10 --features none.npz", "numpy.savez"),
        (
            "plan freeze --images 10 --similarity 0.5 --frozen-blocks 13",
            "type a number from 0 to 12",
        ),
        ("plan lora --rank 800", "type a rank of at most 768"),
        ("plan lora --size bse", "type base"),
        ("plan memory --batch 0", "type a batch size of 1 or more"),
        ("plan memory --image-size 225", "type an image size of 224 or 240"),
        (
            "plan memory --backbone timm/vit_tiny_patch16_224 --image-size 225",
            "type an image size of 224 or 240",
        ),
        (
            "plan memory --strategy partial --frozen-blocks 13",
            "type a number from 0 to 12",
        ),
        ("plan memory --quick --device h10 --images 5", "h100-sxm"),
        ("plan memory --device h200", "type --images"),
        ("plan memory --quick --gpu -3", "type --gpu 24"),
        ("plan memory --quick --gpu nan", "type --gpu 24"),
        ("plan metrics 0.5 nan 0.2 0.2 0.1", "probability 1 is nan"),
        ("plan metrics 0.9 0.9 0.1 0.05 0.05", "type 0.45 0.45"),
        ("plan attention lazy", "type"),
        ("plan memory --strategy gradul", "type gradual"),
        ("codegen t.py --strategy lp_ft", "a script cannot say strategy lp_ft yet"),
        ("codegen t.py --task segmentation", "type"),
    ],
)
def test_refused_with_what_to_type_instead(words: str, told: str) -> None:
    assert told in refused(*words.split())


def test_an_unknown_backbone_names_its_neighbours() -> None:
    result = runner.invoke(app, ["plan", "memory", "--backbone", "timm/vit_bse_patch16_224"])
    assert result.exit_code == 1
    assert "timm/vit_base_patch16_224" in result.stderr


def test_codegen(tmp_path: Path) -> None:
    out = tmp_path / "train.py"
    words = ["codegen", out, "--backbone", "timm/vit_tiny_patch16_224", "--scratch"]
    made = ask(*words, "--strategy", "lora", "--epochs", 20, "--precision", "bf16")
    text = out.read_text()
    compile(text, str(out), "exec")
    assert "get_peft_model" in text
    assert "bfloat16" in text
    assert "EPOCHS = 20" in text
    assert "RandAugment" in made["left_out"]
    again = runner.invoke(app, [*map(str, words)])
    assert again.exit_code == 1
    assert "--force" in again.stderr


def test_codegen_takes_a_configs_recipe(tmp_path: Path) -> None:
    config = tmp_path / "my.yaml"
    config.write_text(
        "strategy: partial\nepochs: 9\nfinetuning: {frozen_blocks: 3, learning_rate: 0.002}"
    )
    out = tmp_path / "train.py"
    ask("codegen", out, "--config", config, "--backbone", "timm/vit_tiny_patch16_224", "--scratch")
    text = out.read_text()
    assert "FROZEN_BLOCKS = 3" in text
    assert "LEARNING_RATE = 0.002" in text
    assert "EPOCHS = 9" in text
