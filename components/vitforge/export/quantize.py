"""Static INT8: weights and activations of the linear and convolution layers, per channel.

Static, so that an image's answer does not depend on the others in its batch, as it does with
dynamic ranges. Attention's own products stay in FP32: quantizing every operator costs accuracy and
gains no speed.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.export.graph import INPUT
from vitforge.export.smoothing import smooth_activations

LAYERS = ("Conv", "Gemm", "MatMul")


def write_int8(
    source: Path,
    batches: Iterable[NDArray[np.float32]],
    *,
    smooth_quant: float,
    path: Path,
) -> None:
    """Quantize an FP32 ONNX file to QDQ INT8.

    Args:
        source: The FP32 file.
        batches: Calibration images, each (N, 3, H, W), preprocessed.
        smooth_quant: Migration strength of SmoothQuant, [0, 1]; 0 skips it.
        path: The file to write.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    images = list(batches)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".int8.") as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        if smooth_quant > 0:
            smooth_activations(prepared, images, strength=smooth_quant)
        graph = onnx.load(str(prepared))
        quantize_static(
            graph,
            str(path),
            _reader(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(LAYERS),
            nodes_to_exclude=_products_of_activations(graph),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            # 7-bit weights: without VNNI the 16-bit sums of AVX2's u8 x s8 products saturate
            reduce_range=True,
        )
    quantized = onnx.load(str(path))
    present = {item.key for item in quantized.metadata_props}
    for item in onnx.load(str(source), load_external_data=False).metadata_props:
        if item.key not in present:
            quantized.metadata_props.add(key=item.key, value=item.value)
    onnx.checker.check_model(quantized)
    onnx.save(quantized, str(path))


def _products_of_activations(graph: Any) -> list[str]:
    """Names of the MatMuls between two activations: scores and mixing in attention."""
    weights = {tensor.name for tensor in graph.graph.initializer}
    return [
        node.name
        for node in graph.graph.node
        if node.op_type == "MatMul" and not weights.intersection(node.input)
    ]


def _reader(images: list[NDArray[np.float32]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left: Iterator[NDArray[np.float32]] = iter(images)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            batch = next(self.left, None)
            return None if batch is None else {INPUT: batch}

    return Reader()
