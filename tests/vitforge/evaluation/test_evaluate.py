"""The whole step on a small model, and its errors."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from vitforge.artifacts import (
    DATASET_FILE,
    METRICS_FILE,
    PREDICTIONS_FILE,
    REPORT_FILE,
    BackboneSpec,
    DatasetInfo,
    Metrics,
    ModelConfig,
    Preprocessing,
)
from vitforge.config import EvaluationConfig
from vitforge.config.data import Task
from vitforge.config.stress import StressConfig
from vitforge.errors import VitforgeError
from vitforge.evaluation.evaluate import evaluate, measure
from vitforge.evaluation.evaluator import Context
from vitforge.metrics.predictions import Predictions
from vitforge.tasks import output_count
from vitforge.tracking import StepRun

CLASSES = ("circle & co", "square", "triangle")
CONTRACT = [
    "top1", "top5", "balanced_accuracy", "macro_f1", "mcc", "ece", "ece_null", "ece_classwise",
    "nll", "brier", "temperature", "nll_scaled", "ece_scaled", "confidence", "entropy",
    "reliable_share", "reliable_accuracy", "aurc", "weakest_slice", "confident_mistakes",
    "label_noise",
]  # fmt: skip
STRESS = ("attention", "attention_maps", "shift", "adversarial", "edge_cases", "efficiency")
QUICK = EvaluationConfig(bootstrap=50, batch_size=16, skip=STRESS)


def save_model(folder: Path, classes: tuple[str, ...], task: Task = "single_label") -> Path:
    import torch

    from vitforge.backbones.build import build
    from vitforge.backbones.checkpoint import save_checkpoint

    torch.manual_seed(0)  # other weights might have no picture right, and then nothing can drop

    spec = BackboneSpec(
        library="timm",
        name="vit_tiny_patch16_224",
        args={"img_size": 16, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2},
        pretrained=False,
        label="toy",
    )
    how = Preprocessing(image_size=16, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    config = ModelConfig(backbone=spec, classes=classes, image_size=16, task=task)
    outputs = output_count(task, len(classes))
    save_checkpoint(folder, build(spec, outputs, 16), config, how)
    return folder


def test_the_step_end_to_end(dataset: Path, tmp_path: Path) -> None:
    checkpoint = save_model(tmp_path / "checkpoint", CLASSES)
    out, predictions = tmp_path / "metrics", tmp_path / "predictions"
    with StepRun("evaluate_model", tmp_path / "spool") as run:
        metrics = evaluate(
            dataset, checkpoint, seed=0, config=QUICK, predictions=predictions, out=out, run=run
        )
    assert Metrics.load(out / METRICS_FILE) == metrics
    assert [row.name for row in metrics.rows if row.slice == "all"] == CONTRACT
    assert metrics.row("accuracy", "triangle").n == 0
    assert np.sum(metrics.confusion) == 40
    table = pyarrow.parquet.read_table(predictions / PREDICTIONS_FILE)
    assert table["id"].to_pylist() == [f"test/{i}" for i in range(40)]
    right = np.equal(table["label"].to_pylist(), table["prediction"].to_pylist())
    assert metrics.row("top1").value == right.mean()

    page = (out / REPORT_FILE).read_text()
    assert "circle &amp; co" in page
    assert "Most confident mistakes" in page
    assert "no test image of this class" in page
    assert len(page) < 2_000_000
    said = [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]
    headline = next(event["values"] for event in said if event["kind"] == "headline")
    assert headline["top1"] == metrics.row("top1").value
    logged = next(event["values"] for event in said if event["kind"] == "metrics")
    assert "accuracy/circle _ co" in logged
    assert {event["kind"] for event in said} >= {"progress", "file", "note"}


@pytest.mark.slow
def test_the_step_under_stress(dataset: Path, tmp_path: Path) -> None:
    checkpoint = save_model(tmp_path / "checkpoint", CLASSES)
    out, predictions = tmp_path / "metrics", tmp_path / "predictions"
    stress = StressConfig(
        images=40, severities=(1,), rollout_images=4, attack_images=4, epsilons=(1.0,),
        attack_steps=2, latency_runs=8, leak_inferences=60,
    )  # fmt: skip
    config = QUICK.model_copy(update={"skip": (), "stress": stress})
    with StepRun("evaluate_model", tmp_path / "spool") as run:
        metrics = evaluate(
            dataset, checkpoint, seed=0, config=config, predictions=predictions, out=out, run=run
        )
    names = {row.name for row in metrics.rows}
    assert {
        "attention_good", "attention_entropy", "deletion", "insertion",
        "deletion_gain", "insertion_gain",
        "shift_drop", "corruption_error", "dramatic_changes", "robust_accuracy",
        "edge_sure_and_wrong", "edge_file", "latency_p95_ms", "memory_growth",
    } <= names  # fmt: skip
    assert "mce" not in names
    assert all(row.note for row in metrics.rows)
    bad = [row.slice for row in metrics.rows if row.name == "edge_file" and row.value < 1]
    assert bad == []

    kept = Predictions.load(predictions / PREDICTIONS_FILE)
    entropy = kept.columns["attention_entropy_1"]
    assert entropy.shape == (40, 2)
    assert (entropy >= 0).all() and (entropy <= np.log(5) + 1e-5).all()
    told = metrics.row("attention_entropy", "layer 1")
    assert told.n == 40 and told.value == pytest.approx(entropy.mean(), rel=1e-5)

    said = [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]
    logged = next(event["values"] for event in said if event["kind"] == "metrics")
    for name in ("clean_pass", "accuracy", *STRESS):
        assert logged[f"evaluation_seconds/{name}"] >= 0
    page = (out / REPORT_FILE).read_text()
    assert "Attention maps" in page and "Corruptions" in page
    assert len(page) < 2_000_000


@pytest.mark.parametrize("task", ["multi_label", "regression", "ordinal"])
def test_the_step_of_every_task(dataset: Path, tmp_path: Path, task: str) -> None:
    import datasets

    rng = np.random.default_rng(0)
    label = {
        "multi_label": rng.integers(0, 2, (40, 3)).astype(np.float32),
        "regression": rng.normal(50, 9, 40).astype(np.float32),
        "ordinal": rng.integers(0, 3, 40),
    }[task]
    classes = () if task == "regression" else CLASSES
    folder = tmp_path / "of-another-task"
    for split in ("val", "test"):
        rows = datasets.load_from_disk(str(dataset / split)).remove_columns("label")
        rows = rows.add_column("label", label.tolist()).add_column("slice_site", ["a", "b"] * 20)
        rows.save_to_disk(str(folder / split))
    info = DatasetInfo.load(dataset / DATASET_FILE)
    told = {"task": task, "classes": classes, "slices": ("site",)}
    info.model_copy(update=told).save(folder / DATASET_FILE)
    checkpoint = save_model(tmp_path / "checkpoint", classes, task)
    config = QUICK.model_copy(update={"min_group": 10})
    out, predictions = tmp_path / "metrics", tmp_path / "predictions"
    with StepRun("evaluate_model", tmp_path / "spool") as run:
        metrics = evaluate(
            folder, checkpoint, seed=0, config=config, predictions=predictions, out=out, run=run
        )
    names = {row.name for row in metrics.rows}
    own = {
        "multi_label": {"auroc", "auprc", "temperature", "threshold", "fairness_gap"},
        "regression": {"mae", "rmse", "r2", "mae_gap"},
        "ordinal": {"top1", "class_mae", "qwk", "ece", "fairness_gap"},
    }
    assert own[task] <= names
    kept = Predictions.load(predictions / PREDICTIONS_FILE)
    assert kept.task == task
    assert kept.slices["site"].tolist() == ["a", "b"] * 20
    assert kept.features is not None and kept.features.shape == (40, 16)
    np.testing.assert_array_equal(kept.labels, label)
    assert "Key figures" in (out / REPORT_FILE).read_text()


def test_a_model_of_other_classes_is_refused(dataset: Path, tmp_path: Path) -> None:
    checkpoint = save_model(tmp_path / "checkpoint", ("a", "b", "c"))
    with (
        StepRun("evaluate_model", tmp_path / "spool") as run,
        pytest.raises(VitforgeError, match="different classes"),
    ):
        evaluate(
            dataset, checkpoint, seed=0, config=QUICK, predictions=tmp_path, out=tmp_path, run=run
        )
    assert not (tmp_path / METRICS_FILE).exists()


def test_every_number_has_an_interval_or_says_why_not(
    make_predictions: Callable[..., Predictions], make_context: Callable[..., Context]
) -> None:
    for found in (make_predictions(300, 8), make_predictions(30, 3, skill=60.0)):
        for resamples in (0, 30):
            metrics = measure(make_context(found, bootstrap=resamples)).metrics
            for row in metrics.rows:
                assert row.note
                if row.low is None:
                    assert "no interval" in row.note
                else:
                    assert row.low <= row.value + 1e-12 and row.value <= row.high + 1e-12
