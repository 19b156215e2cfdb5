import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.nn.functional import interpolate

from vitforge.export.graph import write_onnx


class Antialiased(nn.Module):
    """Holds an operator that the TorchScript exporter does not know."""

    def forward(self, images):
        small = interpolate(images, size=(8, 8), mode="bilinear", antialias=True)
        return small.flatten(1)[:, :10]


def test_the_second_exporter_takes_over(tmp_path):
    path = tmp_path / "model.onnx"
    model = Antialiased().eval()
    assert write_onnx(model, image_size=16, opset=18, metadata={}, path=path) == "dynamo"
    images = torch.randn(3, 3, 16, 16)
    answered = onnxruntime.InferenceSession(str(path)).run(None, {"images": images.numpy()})[0]
    np.testing.assert_allclose(answered, model(images).numpy(), atol=1e-5)
    assert not list(tmp_path.glob("*.data"))
