"""From a bundle and an image's bytes to an answer; shared by the server and `vitforge predict`."""

import hashlib
import json
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import (
    CALIBRATION_FILE,
    LABELS_FILE,
    LATENCY_FILE,
    PARITY_FILE,
    PREPROCESSING_FILE,
    Calibration,
    Latency,
    Parity,
    Preprocessing,
    VariantParity,
)
from vitforge.config.data import Task
from vitforge.errors import VitforgeError
from vitforge.preprocessing import decode_image, to_array
from vitforge.serving.answer import Answer, ModelName, Reader
from vitforge.tasks import output_count

MAX_PIXELS = 50_000_000
"""Largest image that a server decodes, pixels: 150 MB of RGB."""


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
        labels = tuple(json.loads((bundle / LABELS_FILE).read_text(encoding="utf-8")))
        self.model: ModelName = {"name": name, "version": version, "variant": proved.variant}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        told = self._session.get_modelmeta().custom_metadata_map
        task: Task = told.get("task", "single_label")
        self.reader = Reader(task, labels, self.model, _calibration(bundle, task))
        warm_up = self.outputs(np.zeros((1, *self.input_shape), dtype=np.float32))
        if warm_up.shape[1] != output_count(task, len(labels)):
            raise VitforgeError(
                f"the model has {warm_up.shape[1]} outputs, and the bundle names "
                f"{len(labels)} classes of a {task} task",
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
        return self.reader.read(self.outputs(pixels[None])[0])

    def outputs(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw outputs for preprocessed images; `reader` says what they mean.

        Args:
            images: Shape (N, 3, image_size, image_size).

        Returns:
            Shape (N, O).
        """
        found: NDArray[np.float32] = self._session.run(None, {self._input: images})[0]
        return found


def _calibration(bundle: Path, task: Task) -> Calibration | None:
    """What registration filed beside the bundle's files; a bundle as exported holds none."""
    path = bundle / CALIBRATION_FILE
    if not path.exists():
        return None
    found = Calibration.load(path)
    if found.task != task:
        raise VitforgeError(
            f"the temperatures were fitted to a {found.task} task, and the model's is {task}",
            where=str(path),
            mend="fetch the version again, or register the run again",
        )
    return found


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
