"""ONNX Runtime sessions as `export_model` measures them: one thread, CPU."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vitforge.export.graph import INPUT

THREADS = 1
"""Threads of one inference; the server runs as many inferences side by side as it has cores."""

Variant = Literal["fp32", "int8"]
Engine = Literal["torch", "fp32", "int8"]

Infer = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Images (N, 3, H, W) to logits (N, C)."""


def onnx_inference(path: Path) -> Infer:
    """Open an ONNX file for inference."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def infer(images: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(None, {INPUT: images})[0]
        return logits

    return infer


def torch_inference(model: Any) -> Infer:
    """Eager torch, FP32, as the reference."""
    import torch

    def infer(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = model(torch.from_numpy(images)).numpy()
        return logits

    return infer
