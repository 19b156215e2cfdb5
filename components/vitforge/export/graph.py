"""From a torch model to an ONNX file with a dynamic batch."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INPUT, OUTPUT = "images", "logits"


def write_onnx(
    model: Any, *, image_size: int, opset: int, metadata: Mapping[str, Any], path: Path
) -> str:
    """Export, check and label a model.

    The TorchScript exporter comes first: it takes a fraction of a second where the one on
    `torch.export` takes several, with the same answers. The latter takes over where the first
    knows an operator not.

    Args:
        model: An `nn.Module` in eval mode on the CPU; (N, 3, image_size, image_size) to (N, C).
        image_size: Height and width, pixels.
        opset: ONNX operator set.
        metadata: Written into the file; values that are no strings become JSON.
        path: The file to write.

    Returns:
        The exporter used, `torchscript` or `dynamo`.

    Raises:
        Exception: whatever the exporter or `onnx.checker` finds wrong.
    """
    import onnx
    import torch

    example = torch.zeros(2, 3, image_size, image_size)
    shared: dict[str, Any] = {
        "opset_version": opset,
        "input_names": [INPUT],
        "output_names": [OUTPUT],
    }
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # its deprecation, and branches on shapes while tracing
        try:
            torch.onnx.export(
                model,
                (example,),
                str(path),
                dynamo=False,
                dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
                **shared,
            )
            exporter = "torchscript"
        except (torch.onnx.errors.OnnxExporterError, RuntimeError):
            torch.onnx.export(
                model,
                (example,),
                str(path),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                external_data=False,
                verbose=False,
                **shared,
            )
            exporter = "dynamo"
    graph = onnx.load(str(path))
    for key, value in metadata.items():
        text = value if isinstance(value, str) else json.dumps(value)
        graph.metadata_props.add(key=key, value=text)
    onnx.checker.check_model(graph, full_check=True)
    graph = onnx.shape_inference.infer_shapes(graph, check_type=True, strict_mode=True)
    onnx.save(graph, str(path))
    return exporter
