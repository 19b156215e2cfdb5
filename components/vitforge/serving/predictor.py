"""From a bundle and an image's bytes to an answer; shared by the server and `vitforge predict`."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import (
    LABELS_FILE,
    LATENCY_FILE,
    PARITY_FILE,
    PREPROCESSING_FILE,
    Latency,
    Parity,
    Preprocessing,
    VariantParity,
)
from vitforge.errors import VitforgeError
from vitforge.preprocessing import decode_image, to_array

MAX_PIXELS = 50_000_000
"""Largest image that a server decodes, pixels: 150 MB of RGB."""
TOP = 5


class ClassProbability(TypedDict):
    """One class of an answer."""

    label: str
    probability: float


class ModelName(TypedDict):
    """Who answered."""

    name: str
    version: str
    variant: str


class Answer(TypedDict):
    """What is said of one image."""

    label: str
    probability: float
    probabilities: list[ClassProbability]
    model: ModelName


class Predictor:
    """One exported file, opened for predictions. Safe to use from several threads.

    Args:
        bundle: Folder of the bundle.
        variant: `auto` takes the fastest that passed parity.
        name: Registered model, told in answers.
        version: Its version, told in answers.
        threads: Threads of one inference; side-by-side predictions use the other cores.

    Raises:
        VitforgeError: if the bundle is not whole, the variant failed parity, or the file is not
            the one that parity was measured on.
    """

    def __init__(
        self,
        bundle: Path,
        variant: Literal["auto", "fp32", "int8"] = "auto",
        *,
        name: str = "",
        version: str = "",
        threads: int = 1,
    ) -> None:
        import onnxruntime

        proved = _choose(bundle, variant)
        content = _read_proved(bundle, proved)
        self.preprocessing = Preprocessing.load(bundle / PREPROCESSING_FILE)
        self.labels = tuple(json.loads((bundle / LABELS_FILE).read_text(encoding="utf-8")))
        self.model: ModelName = {"name": name, "version": version, "variant": proved.variant}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        warm_up = self.probabilities(np.zeros((1, *self.input_shape), dtype=np.float32))
        if warm_up.shape[1] != len(self.labels):
            raise VitforgeError(
                f"the model tells {warm_up.shape[1]} classes apart, and the bundle names "
                f"{len(self.labels)}",
                where=str(bundle / LABELS_FILE),
                mend="fetch the version again, or run the export again",
            )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the model's input."""
        return 3, self.preprocessing.image_size, self.preprocessing.image_size

    def predict(self, image: bytes | Path) -> Answer:
        """Answer for one image file.

        Args:
            image: The file's bytes, or its path.

        Raises:
            VitforgeError: if it is no image, is cut short, or is too large.
        """
        if isinstance(image, Path) and not image.is_file():
            raise VitforgeError("no such image file", where=str(image))
        try:
            pixels = to_array(decode_image(image, MAX_PIXELS), self.preprocessing)
        except VitforgeError:
            raise
        except Exception as error:  # decoders of broken files raise nearly anything
            raise VitforgeError(f"the image cannot be decoded: {error}") from error
        return self.answer(self.probabilities(pixels[None])[0])

    def probabilities(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Softmax of preprocessed images.

        Args:
            images: Shape (N, 3, image_size, image_size).

        Returns:
            Shape (N, C), rows sum to 1.
        """
        logits = self._session.run(None, {self._input: images})[0].astype(np.float64)
        exponents = np.exp(logits - logits.max(-1, keepdims=True))
        shares: NDArray[np.float64] = exponents / exponents.sum(-1, keepdims=True)
        return shares

    def answer(self, probabilities: Sequence[float] | NDArray[np.float64]) -> Answer:
        """Name the most probable classes, best first."""
        best = np.argsort(-np.asarray(probabilities), kind="stable")[:TOP]
        named: list[ClassProbability] = [
            {"label": self.labels[index], "probability": float(probabilities[index])}
            for index in best
        ]
        return {**named[0], "probabilities": named, "model": self.model}


def _choose(bundle: Path, variant: Literal["auto", "fp32", "int8"]) -> VariantParity:
    parity = Parity.load(bundle / PARITY_FILE)
    wanted = Latency.load(bundle / LATENCY_FILE).fastest if variant == "auto" else variant
    found = {proved.variant: proved for proved in parity.variants}.get(wanted or "fp32")
    if found is None:
        raise VitforgeError(
            f"the bundle has no {wanted} variant",
            where=str(bundle),
            mend="deployment.variant: auto, or export.int8: true and run again",
        )
    if not found.accepted:
        raise VitforgeError(
            f"the {found.variant} variant is not to be served: {found.reason}",
            where=str(bundle / found.file),
            mend="deployment.variant: auto, or mend the export and run again",
        )
    return found


def _read_proved(bundle: Path, proved: VariantParity) -> bytes:
    """The file's bytes, hashed and loaded from the same read."""
    path = bundle / proved.file
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise VitforgeError(
            f"{proved.file} is missing from the bundle", where=str(path), mend="export it again"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != proved.sha256:
        raise VitforgeError(
            f"{proved.file} is not the file whose answers were checked: "
            f"SHA-256 {found[:12]}…, expected {proved.sha256[:12]}…",
            where=str(path),
            mend="fetch the version again, or run the export again",
        )
    return content
