"""Artifacts of a small run: a linear classifier of 4 x 4 images, known by heart."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from vitforge import artifacts as art
from vitforge.config import FinetuningConfig
from vitforge.registration.sources import Sources

CLASSES = ("nought", "one", "two")
SIZE = 4


def linear_onnx(path: Path, scale: float) -> None:
    """Logits = scale * the sums of each channel; a batch of any size."""
    from onnx import TensorProto, helper, save

    graph = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["images", "axes"], ["sums"], keepdims=0),
            helper.make_node("Mul", ["sums", "scale"], ["logits"]),
        ],
        "linear",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3]),
            helper.make_tensor("scale", TensorProto.FLOAT, [1], [scale]),
        ],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def verdict(outcome: str) -> art.Verdict:
    row = art.GateRow(
        metric="top1",
        outcome=outcome,
        value=0.9,
        low=0.85,
        high=0.94,
        n=100,
        threshold=">= 0.8",
        blocks=outcome == "FAIL",
        evidence="metrics.json",
    )
    return art.Verdict(outcome=outcome, rows=(row,))


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    folders = {name: tmp_path / "artifacts" / name for name in Sources.__dataclass_fields__}
    for folder in folders.values():
        folder.mkdir(parents=True)
    made = Sources(**folders)
    _write_data(made)
    _write_model(made)
    verdict("PASS").save(made.verdict / art.VERDICT_FILE)
    return made


def _write_data(made: Sources) -> None:
    statistics = art.ImageStatistics(
        mean=(0.5,) * 3, std=(0.5,) * 3, median_width=SIZE, median_height=SIZE
    )
    art.DatasetInfo(
        name="sums",
        source="made up",
        classes=CLASSES,
        sizes={"train": 10, "val": 5, "test": 100},
        class_counts={"train": (4, 3, 3), "val": (2, 2, 1), "test": (34, 33, 33)},
        statistics=statistics,
        fingerprint=hashlib.sha256(b"sums").hexdigest(),
        seed=0,
    ).save(made.dataset / art.DATASET_FILE)
    (made.dataset / art.SPLITS_FILE).write_bytes(b"PAR1")
    (made.predictions / art.PREDICTIONS_FILE).write_bytes(b"PAR1 predictions")
    art.Metrics(
        rows=(
            art.MetricRow(name="top1", value=0.9, low=0.85, high=0.94, n=100),
            art.MetricRow(name="ece", value=0.02, n=100, note="no interval"),
            art.MetricRow(name="accuracy", value=0.7, n=33, slice="two"),
        ),
        confidence_level=0.95,
        confusion=((34, 0, 0), (0, 33, 0), (10, 0, 23)),
        classes=CLASSES,
        dataset_fingerprint=hashlib.sha256(b"sums").hexdigest(),
    ).save(made.metrics / art.METRICS_FILE)
    (made.metrics / art.REPORT_FILE).write_text("<h1>report</h1>")


def _write_model(made: Sources) -> None:
    backbone = art.BackboneSpec(library="timm", name="tiny", pretrained=False, label="tiny")
    art.Plan(
        backbone=backbone,
        strategy="full",
        epochs=1,
        seed=0,
        recipe=FinetuningConfig(),
        image_size=SIZE,
        candidates=(),
        reasons=("the only one",),
        expected_seconds=1.0,
    ).save(made.plan / art.PLAN_FILE)
    for name in (art.WEIGHTS_FILE, art.MODEL_FILE, art.TRAINING_FILE):
        (made.checkpoint / name).write_bytes(name.encode())
    preprocessing = art.Preprocessing(image_size=SIZE, mean=(0.5,) * 3, std=(0.5,) * 3)
    for folder in (made.checkpoint, made.bundle):
        preprocessing.save(folder / art.PREPROCESSING_FILE)
    linear_onnx(made.bundle / art.ONNX_FILE, 1.0)
    linear_onnx(made.bundle / art.INT8_FILE, 2.0)
    (made.bundle / art.LABELS_FILE).write_text(json.dumps(CLASSES))
    top1 = art.MetricRow(name="top1", value=0.9, low=0.85, high=0.94, n=100)
    parity = art.VariantParity(
        variant="fp32",
        file=art.ONNX_FILE,
        sha256="0" * 64,
        bytes=1,
        top1=top1,
        reference_top1=top1,
        max_error=0.0,
        flips=0,
        accepted=True,
    )
    art.Parity(variants=(parity,), batch_invariant=True).save(made.bundle / art.PARITY_FILE)
    art.Latency(variants=(), fastest="fp32", machine="here").save(made.bundle / art.LATENCY_FILE)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, 3, SIZE, SIZE)).astype(np.float32)
