"""The registered model as MLflow loads it: ONNX Runtime on one of the bundle's variants.

This file is filed with each version and runs wherever that version is loaded, so it may import
nothing of vitforge.

    model = mlflow.pyfunc.load_model("models:/digits@champion", model_config={"variant": "int8"})
    probabilities = model.predict(images)
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

FILES = {"fp32": "model.onnx", "int8": "model.int8.onnx"}


class ImageClassifier(PythonModel):  # type: ignore[misc]
    """Preprocessed images in, class probabilities out."""

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

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # MLflow knows the bare name only
        params: Any = None,
    ) -> Any:
        """Classify.

        Args:
            context: Unused.
            model_input: float32, shape (N, 3, H, W), prepared as `preprocessing.json` says.
            params: Unused.

        Returns:
            Softmax probabilities, float32, shape (N, C), in the order of `labels.json`.
        """
        images = np.asarray(model_input, dtype=np.float32)
        (logits,) = self._session.run(None, {self._session.get_inputs()[0].name: images})
        exponents = np.exp(logits - logits.max(-1, keepdims=True))
        return exponents / exponents.sum(-1, keepdims=True)


set_model(ImageClassifier())
