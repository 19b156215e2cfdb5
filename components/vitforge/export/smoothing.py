"""SmoothQuant: outliers of LayerNorm outputs moved into the weights of the linear layers behind.

Pretrained ViTs have a few channels with activations tens of times larger than the rest; one INT8
scale for all of them leaves the rest with a handful of levels. Scaling a channel down in the
LayerNorm and up in the weights that read it changes no answer and evens the ranges out.

Source: Xiao et al. 2023, https://arxiv.org/abs/2211.10438
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.export.graph import INPUT


def smooth_activations(
    path: Path, batches: list[NDArray[np.float32]], *, strength: float
) -> list[str]:
    """Fold SmoothQuant's scales into an ONNX file, in place.

    Only a LayerNorm whose readers are all linear layers with constant weights is folded.

    Args:
        path: The FP32 file.
        batches: Calibration images, each (N, 3, H, W), preprocessed.
        strength: The paper's alpha, (0, 1]: share of the range that moves into the weights.

    Returns:
        Names of the folded LayerNorm outputs.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    graph = model.graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    readers: dict[str, list[Any]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)
    norms = {
        node.output[0]: node
        for node in graph.node
        if node.op_type == "LayerNormalization"
        and all(name in weights for name in node.input[1:])
        and readers[node.output[0]]
        and all(_is_linear(reader, weights) for reader in readers[node.output[0]])
    }
    largest = _largest_activations(model, list(norms), batches)
    for output, norm in norms.items():
        rows = (_rows(weights[linear.input[1]], linear) for linear in readers[output])
        peaks = np.max([np.abs(row).max(1) for row in rows], axis=0)
        scale = np.maximum(largest[output], 1e-5) ** strength
        scale /= np.maximum(peaks, 1e-5) ** (1 - strength)
        for position, name in enumerate(norm.input[1:], start=1):
            _give(graph, norm, position, weights[name] / scale)
        for linear in readers[output]:
            weight = weights[linear.input[1]]
            scaled = weight * (scale if _transposed(linear) else scale[:, None])
            _give(graph, linear, 1, scaled)
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.save(model, str(path))
    return list(norms)


def _is_linear(node: Any, weights: dict[str, NDArray[Any]]) -> bool:
    weight = weights.get(node.input[1]) if node.op_type in ("MatMul", "Gemm") else None
    return weight is not None and weight.ndim == 2


def _transposed(node: Any) -> bool:
    return any(item.name == "transB" and item.i for item in node.attribute)


def _rows(weight: NDArray[np.float32], node: Any) -> NDArray[np.float32]:
    """The weight with input channels first."""
    return weight.T if _transposed(node) else weight


def _give(graph: Any, node: Any, position: int, values: NDArray[Any]) -> None:
    """Give a node a tensor of its own: exporters let equal ones share."""
    from onnx import numpy_helper

    name = f"{node.output[0]}.smoothed.{position}"
    graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    node.input[position] = name


def _largest_activations(
    model: Any, names: list[str], batches: list[NDArray[np.float32]]
) -> dict[str, NDArray[np.float64]]:
    """Largest absolute value of each channel of the named tensors over the batches."""
    import onnx
    import onnxruntime

    if not names:
        return {}
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    largest: dict[str, NDArray[np.float64]] = {}
    for batch in batches:
        for name, value in zip(names, session.run(names, {INPUT: batch}), strict=True):
            peak = np.abs(value.astype(np.float64)).reshape(-1, value.shape[-1]).max(0)
            largest[name] = np.maximum(largest.get(name, peak), peak)
    return largest
