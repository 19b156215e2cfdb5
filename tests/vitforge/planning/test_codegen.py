"""Every combination is valid code; the scripts train and save."""

import itertools
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from vitforge.artifacts import BackboneSpec
from vitforge.config import AugmentationConfig, FinetuningConfig
from vitforge.errors import ConfigError
from vitforge.planning.codegen import ScriptOptions, generate

SPECS = {
    "timm": BackboneSpec(
        library="timm",
        name="vit_tiny_patch16_224",
        args={"img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 3, "num_heads": 2},
        pretrained=False,
        label="",
    ),
    "transformers": BackboneSpec(
        library="transformers",
        name="vit",
        args={
            "model_type": "vit",
            "image_size": 16,
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
TASKS = ("single-label", "multi-label", "regression")
STRATEGIES = ("full", "partial", "head", "lora")
OPTIMISATIONS = tuple(itertools.product(("fp32", "bf16", "fp16"), (False, True), (1, 2)))
MATRIX = tuple(itertools.product(SPECS, TASKS, STRATEGIES, OPTIMISATIONS))
SAMPLE = (
    ("timm", "single-label", "full", ("fp32", False, 1)),
    ("timm", "multi-label", "partial", ("bf16", True, 2)),
    ("timm", "regression", "head", ("fp32", False, 2)),
)


def options(library: str, task: str, strategy: str, optimisation, compiled=False, mixup=0.8):
    precision, checkpointing, accumulation = optimisation
    recipe = FinetuningConfig(
        batch_size=2,
        frozen_blocks=2,
        lora_rank=4,
        warmup_epochs=0.5,
        augmentation=AugmentationConfig(mixup=mixup),
    )
    return ScriptOptions(
        SPECS[library],
        task,
        strategy,
        recipe,
        epochs=2,
        precision=precision,
        checkpointing=checkpointing,
        accumulation=accumulation,
        compile=compiled,
    )


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models wait for threads longer than they compute."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Eight dark and light images for each task."""
    root = tmp_path_factory.mktemp("images")
    folders = {task: root / task for task in TASKS}
    for split in ("train", "val"):
        rows = []
        for index in range(8):
            light = index % 2
            name = f"{split}/{'light' if light else 'dark'}/{index}.png"
            for folder in folders.values():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (20, 24), (200 * light + index,) * 3).save(path)
            rows.append((name, light))
        for task, header in (("multi-label", "file,light,dark"), ("regression", "file,value")):
            lines = [
                f"{name},{light},{1 - light}" if task == "multi-label" else f"{name},{light + 0.5}"
                for name, light in rows
            ]
            (folders[task] / f"{split}.csv").write_text("\n".join([header, *lines]) + "\n")
    return folders


def run(script: str, folder: Path, where: Path, monkeypatch: pytest.MonkeyPatch, steps: int = 2):
    path = where / "train.py"
    path.write_text(script, encoding="utf-8")
    argv = ["train.py", "--data", str(folder), "--out", str(where / "out")]
    monkeypatch.setattr(sys, "argv", [*argv, "--max-steps", str(steps)])
    runpy.run_path(str(path), run_name="__main__")
    assert (where / "out" / "model.safetensors").stat().st_size > 10_000


def test_every_combination_is_valid_code_without_vitforge() -> None:
    texts = set()
    for row in MATRIX:
        for compiled, mixup in itertools.product((False, True), (0.0, 0.8)):
            script = generate(options(*row, compiled=compiled, mixup=mixup))
            compile(script.text, "train.py", "exec")
            assert "import vitforge" not in script.text and "from vitforge" not in script.text
            assert "{{" not in script.text and "{%" not in script.text
            texts.add(script.text)
    # Mixup has no meaning for regression: its two scripts are one.
    assert len(texts) == len(MATRIX) * 4 - len(MATRIX) // 3 * 2


@pytest.mark.parametrize("row", SAMPLE, ids=str)
def test_scripts_train(row, data, tmp_path: Path, monkeypatch, capsys) -> None:
    run(generate(options(*row)).text, data[row[1]], tmp_path, monkeypatch)
    assert "step 2  loss" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_every_script_trains(row, data, tmp_path: Path, monkeypatch, capsys) -> None:
    run(generate(options(*row)).text, data[row[1]], tmp_path, monkeypatch)
    assert "step 2  loss" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("library", list(SPECS))
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_compiled_scripts_train(
    library: str, strategy: str, data, tmp_path: Path, monkeypatch, capsys
) -> None:
    """torch.compile and mixup together, which the matrix above only checks for syntax."""
    made = options(library, "single-label", strategy, ("fp32", False, 1), compiled=True, mixup=0.8)
    text = generate(made).text
    assert "torch.compile(model)" in text and "MIXUP = 0.8" in text
    run(text, data["single-label"], tmp_path, monkeypatch)
    assert "step 2  loss" in capsys.readouterr().out


def test_a_script_learns(data, tmp_path: Path, monkeypatch, capsys) -> None:
    """Dark against light is learnt in forty steps."""
    made = options("timm", "single-label", "full", ("fp32", False, 1), mixup=0.0)
    made = ScriptOptions(**(made.__dict__ | {"epochs": 10}))
    run(generate(made).text, data["single-label"], tmp_path, monkeypatch, steps=40)
    assert "val 1.0000" in capsys.readouterr().out


def test_the_first_loss_is_the_engines(data, tmp_path: Path, monkeypatch, capsys) -> None:
    """Cross entropy with smoothing, from the same weights and images, equals the engine's loss."""
    import timm
    import torch

    from vitforge.training.loss import smooth_targets, soft_cross_entropy

    made = options("timm", "single-label", "full", ("fp32", False, 1), mixup=0.0)
    text = generate(made).text.replace("DROP_PATH = 0.1", "DROP_PATH = 0.0")
    run(text, data["single-label"], tmp_path, monkeypatch, steps=1)
    loss = float(capsys.readouterr().out.split("loss ")[1].split()[0])

    space = runpy.run_path(str(tmp_path / "train.py"))
    space["random"].seed(0)
    torch.manual_seed(0)
    spec = SPECS["timm"]
    model = timm.create_model(spec.name, num_classes=2, **spec.args)
    images = space["Images"](data["single-label"], "train", 16, *([[0.5] * 3] * 2))
    loader = torch.utils.data.DataLoader(images, 2, shuffle=True, drop_last=True)
    pixels, labels = next(iter(loader))
    expected = soft_cross_entropy(model(pixels), smooth_targets(labels, 2, 0.1))
    assert loss == pytest.approx(expected.item(), abs=2e-6)


def test_what_the_script_lacks_is_said() -> None:
    recipe = FinetuningConfig(ema_decay=0.9, warmup_epochs=1)
    left = generate(ScriptOptions(SPECS["transformers"], recipe=recipe)).left_out
    assert {"RandAugment", "CutMix", "random erasing"} <= set(left)
    assert any("EMA" in name for name in left) and any("drop path" in name for name in left)


@pytest.mark.parametrize(
    ("changes", "cause", "mend"),
    [
        ({"epochs": 0}, "start at 1", "--epochs"),
        ({"accumulation": 0}, "start at 1", "--epochs"),
        ({"epochs": 5}, "warm-up of 5 epochs is not shorter than 5", "--warmup-epochs 0.5"),
        ({"strategy": "lp_ft"}, "cannot say strategy lp_ft", "head or lora"),
        ({"strategy": "partial"}, "freezes no block", "--frozen-blocks 7"),
    ],
)
def test_contradictions_are_refused(changes, cause: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        generate(ScriptOptions(SPECS["timm"], **changes))
    assert cause in caught.value.cause and mend in caught.value.mend
