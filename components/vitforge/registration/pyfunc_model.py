"""The registered model as MLflow loads it: ONNX Runtime on one of the bundle's variants.

This file is filed with each version and runs wherever that version is loaded, so it may import
nothing of vitforge.

    model = mlflow.pyfunc.load_model("models:/digits@champion", model_config={"variant": "int8"})
    answers = model.predict(images)
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

FILES = {"fp32": "model.onnx", "int8": "model.int8.onnx"}


class ImageClassifier(PythonModel):  # type: ignore[misc]
    """Preprocessed images in; probabilities out, or values of a regression."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the chosen variant; `auto` is the fastest that passed parity."""
        import onnxruntime

        bundle = Path(context.artifacts["bundle"])
        variant = (context.model_config or {}).get("variant", "auto")
        if variant == "auto":
            variant = json.loads((bundle / "latency.json").read_text()).get("fastest") or "fp32"
        if variant not in FILES:
            raise ValueError(f"variant is {variant!r}; known are auto, {', '.join(FILES)}")
        self._session = onnxruntime.InferenceSession(
            bundle / FILES[variant], providers=["CPUExecutionProvider"]
        )
        told = self._session.get_modelmeta().custom_metadata_map
        self._task = told.get("task", "single_label")

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # MLflow knows the bare name only
        params: Any = None,
    ) -> Any:
        """Answer.

        Args:
            context: Unused.
            model_input: float32, shape (N, 3, H, W), prepared as `preprocessing.json` says.
            params: Unused.

        Returns:
            float32. Probabilities without a temperature, shape (N, K), in the order of
            `labels.json`: rows sum to 1, but of several labels an image each has its own. Of a
            regression the values, shape (N, 1).
        """
        images = np.asarray(model_input, dtype=np.float32)
        (outputs,) = self._session.run(None, {self._session.get_inputs()[0].name: images})
        return _answers(self._task, outputs)


def _answers(task: str, outputs: Any) -> Any:
    """As `vitforge.tasks.probabilities`, which this file cannot import."""
    if task == "regression":
        return outputs
    if task == "single_label":
        exponents = np.exp(outputs - outputs.max(-1, keepdims=True))
        return exponents / exponents.sum(-1, keepdims=True)
    shares = 0.5 * (1 + np.tanh(0.5 * outputs))
    if task == "multi_label":
        return shares
    above = np.cumprod(shares, axis=1)  # P(y > k), from P(y > k | y >= k)
    return -np.diff(above, axis=1, prepend=np.float32(1), append=np.float32(0))


set_model(ImageClassifier())
