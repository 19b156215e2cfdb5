"""The model as KServe sees it: protocols V1 and V2 in front of a predictor."""

import asyncio
import base64
import binascii
import os
import uuid
from typing import Any

import kserve
import numpy as np
from kserve.errors import InvalidInput
from numpy.typing import NDArray

from vitforge.errors import VitforgeError
from vitforge.serving.answer import Answer
from vitforge.serving.predictor import Predictor
from vitforge.serving.tensors import Tensor, output_tensors


class ImageClassifier(kserve.Model):  # type: ignore[misc]
    """Answers image files and preprocessed tensors.

    V1: raw image bytes, or JSON `{"instances": [{"b64": "…"}]}`.
    V2: one input, either BYTES (base64 of image files) or FP32 of shape (N, 3, H, W).
    """

    def __init__(self, name: str, predictor: Predictor) -> None:
        super().__init__(name)
        self.predictor = predictor
        self.ready = True
        # decoding and inference leave the GIL: as many at a time as there are cores
        self._free = asyncio.Semaphore(os.cpu_count() or 1)

    async def classify(self, image: bytes) -> Answer:
        """Answer for one image file.

        Raises:
            InvalidInput: if it cannot be decoded; told as 400.
        """
        async with self._free:
            try:
                return await asyncio.to_thread(self.predictor.predict, image)
            except VitforgeError as error:
                raise InvalidInput(error.cause) from error

    async def predict(
        self, payload: Any, headers: Any = None, response_headers: Any = None
    ) -> dict[str, Any] | kserve.InferResponse:
        """Answer a V1 body (bytes or mapping) or a V2 request."""
        if isinstance(payload, kserve.InferRequest):
            return await self._infer(payload)
        if isinstance(payload, bytes):
            return {"predictions": [await self.classify(payload)]}
        instances = payload.get("instances") if isinstance(payload, dict) else None
        if not isinstance(instances, list) or not instances:
            raise InvalidInput('expected an image as the body, or {"instances": [{"b64": "..."}]}')
        images = [
            _from_base64(item.get("b64") if isinstance(item, dict) else item) for item in instances
        ]
        return {"predictions": list(await asyncio.gather(*map(self.classify, images)))}

    async def _infer(self, request: kserve.InferRequest) -> kserve.InferResponse:
        if len(request.inputs) != 1:
            raise InvalidInput(f"expected one input, got {len(request.inputs)}")
        given = request.inputs[0]
        try:
            data = given.as_numpy()
        except Exception as error:  # the SDK raises many kinds on data that does not fit its shape
            raise InvalidInput(f"the input cannot be read: {error}") from error
        if given.datatype == "BYTES":
            images = [_from_base64(item) for item in data.reshape(-1)]
            answers = await asyncio.gather(*map(self.classify, images))
            return self._response(request, answers)
        tensor = self._checked(data)
        async with self._free:
            outputs = await asyncio.to_thread(self.predictor.outputs, tensor)
        return self._response(request, [self.predictor.reader.read(row) for row in outputs])

    def _checked(self, data: NDArray[Any]) -> NDArray[np.float32]:
        shape = self.predictor.input_shape
        if data.dtype != np.float32 or data.ndim != 4 or data.shape[1:] != shape or not len(data):
            raise InvalidInput(
                f"expected BYTES (base64 images) or FP32 of shape [n, {shape[0]}, {shape[1]}, "
                f"{shape[2]}], got {data.dtype} of shape {list(data.shape)}"
            )
        if not np.isfinite(data).all():
            raise InvalidInput("the input holds values that are not finite")
        return np.ascontiguousarray(data)

    def _response(
        self, request: kserve.InferRequest, answers: list[Answer]
    ) -> kserve.InferResponse:
        outputs = [
            kserve.InferOutput(one.name, one.shape, one.datatype, one.data)
            for one in self._tensors(answers)
        ]
        return kserve.InferResponse(
            request.id or uuid.uuid4().hex,
            self.name,
            outputs,
            model_version=self.predictor.model["version"] or None,
        )

    def get_input_types(self) -> list[dict[str, Any]]:
        """The tensor that V2 takes."""
        return [{"name": "images", "datatype": "FP32", "shape": [-1, *self.predictor.input_shape]}]

    def get_output_types(self) -> list[dict[str, Any]]:
        """The tensors that V2 answers."""
        return [
            {"name": one.name, "datatype": one.datatype, "shape": one.shape}
            for one in self._tensors(None)
        ]

    def _tensors(self, answers: list[Answer] | None) -> list[Tensor]:
        reader = self.predictor.reader
        calibrated = reader.calibration is not None
        return output_tensors(reader.task, reader.labels, calibrated, answers)


def _from_base64(text: Any) -> bytes:
    if not isinstance(text, str | bytes):
        raise InvalidInput('expected base64 text, or {"b64": "..."}')
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(f"the image is not valid base64: {error}") from None
