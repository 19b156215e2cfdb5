"""SmoothQuant on a graph with the outliers of a pretrained ViT planted in it."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from vitforge.export.graph import write_onnx
from vitforge.export.quantize import write_int8
from vitforge.export.smoothing import smooth_activations


class Mixer(nn.Module):
    """Patches, LayerNorm and linear layers, with outlier channels that change no answer."""

    def __init__(self, outlier: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, 32, 4, 4)
        self.norm1, self.norm2 = nn.LayerNorm(32), nn.LayerNorm(32)
        self.first, self.second = nn.Linear(32, 64), nn.Linear(64, 32)
        self.head = nn.Linear(32, 10)
        with torch.no_grad():
            self.norm1.weight[:3] *= outlier
            self.norm1.bias[:3] *= outlier
            self.first.weight[:, :3] /= outlier

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = tokens + self.second(torch.relu(self.first(self.norm1(tokens))))
        return self.head(self.norm2(tokens).mean(1))


def answers(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images})[0]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(64, 3, 16, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "model.onnx"
    model = Mixer(outlier=40.0).eval()
    write_onnx(model, image_size=16, opset=18, metadata={"labels": ["a"]}, path=path)
    return path


def test_folding_changes_no_answer_and_evens_the_ranges(source, images, tmp_path):
    path = tmp_path / "folded.onnx"
    path.write_bytes(source.read_bytes())
    folded = smooth_activations(path, [images], strength=0.5)
    assert len(folded) == 1  # norm1 only: a mean reads norm2
    np.testing.assert_allclose(answers(path, images), answers(source, images), atol=2e-5)
    graph = onnx.load(str(path)).graph
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    scales = next(n for n in graph.node if n.output[0] == folded[0]).input[1]
    before = 40.0
    assert np.abs(tensors[scales]).max() / np.median(np.abs(tensors[scales])) < before / 4


def test_int8_error_falls_with_smoothing(source, images, tmp_path):
    expected = answers(source, images)
    errors = {}
    for strength in (0.0, 0.5):
        path = tmp_path / f"int8-{strength}.onnx"
        write_int8(source, [images[:32], images[32:]], smooth_quant=strength, path=path)
        errors[strength] = np.abs(answers(path, images) - expected).mean()
    assert errors[0.5] < errors[0.0] / 1.5, errors
