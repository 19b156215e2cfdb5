"""A bundle small enough to serve in every test: classes told apart by their mean colour."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitforge.artifacts import (
    Latency,
    MetricRow,
    Parity,
    Preprocessing,
    ProbeAnswers,
    VariantLatency,
    VariantParity,
)
from vitforge.metrics.predictions import Predictions

COLOURS = ("red", "green", "blue")


def png(colour: tuple[int, int, int], size: int = 12) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def coloured() -> Callable[..., bytes]:
    """PNG bytes of one colour."""
    return png


@pytest.fixture
def make_bundle(tmp_path) -> Callable[..., Path]:
    """Writes a bundle whose logits are `sharpness` times the mean of each colour channel."""
    from onnx import TensorProto, checker, helper, save

    def make(name: str = "bundle", sharpness: float = 4.0) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 8, 8])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])
        scale = helper.make_tensor("scale", TensorProto.FLOAT, [], [sharpness])
        axes = helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])
        nodes = [
            helper.make_node("ReduceMean", ["images", "axes"], ["means"], keepdims=0),
            helper.make_node("Mul", ["means", "scale"], ["logits"]),
        ]
        graph = helper.make_graph(nodes, "colours", [images], [logits], [scale, axes])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
        model.ir_version = 10
        checker.check_model(model)
        save(model, str(folder / "model.onnx"))
        (folder / "labels.json").write_text(json.dumps(COLOURS))
        Preprocessing(image_size=8, mean=(0.0,) * 3, std=(1.0,) * 3, resize="squash").save(
            folder / "preprocessing.json"
        )
        row = MetricRow(name="top1", value=1.0, n=3)
        content = (folder / "model.onnx").read_bytes()
        fp32 = VariantParity(
            variant="fp32",
            file="model.onnx",
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            top1=row,
            reference_top1=row,
            max_error=0.0,
            flips=0,
            accepted=True,
        )
        int8 = fp32.model_copy(
            update={"variant": "int8", "accepted": False, "reason": "top-1 falls by 0.3"}
        )
        Parity(variants=(fp32, int8), batch_invariant=True).save(folder / "parity.json")
        speed = VariantLatency(
            variant="fp32", p50_ms=1, p95_ms=1, p99_ms=1, images_per_second=1, runs=1, threads=1
        )
        Latency(variants=(speed,), fastest="fp32", machine="").save(folder / "latency.json")
        (folder / "probe.png").write_bytes(png((255, 0, 0)))
        weights = np.exp(np.array([0, -sharpness, -sharpness]))
        shares = weights / weights.sum()
        ProbeAnswers(label="red", probabilities={"fp32": tuple(shares.tolist())}).save(
            folder / "probe.json"
        )
        return folder

    return make


def a_model_that_knows(n: int, classes: int, seed: int = 0, skill: float = 2.0) -> Predictions:
    """A model that knows something: normal logits, the true class raised by `skill`."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(0, 1.5, (n, classes)).astype(np.float32)
    logits[np.arange(n), labels] += skill
    return Predictions.of(tuple(f"image-{i}" for i in range(n)), labels, logits)


@pytest.fixture(scope="session")
def make_predictions() -> Callable[..., Predictions]:
    return a_model_that_knows
