"""scikit-learn's handwritten digits: 1,797 real 8x8 images that need no download."""

import importlib.util
import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitforge.data.raw import RawDataset, RawImages

CLASSES = tuple("0123456789")


def read_digits() -> RawDataset:
    """The digits as 8x8 grey PNGs, ids `digit-0000` on in scikit-learn's order.

    Source: UCI ML repository, Optical Recognition of Handwritten Digits (its test part),
    https://doi.org/10.24432/C50P49
    """
    table = _read_table()
    # Ink is counted from 0 to 16.
    pixels = np.rint(table[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    names = [f"digit-{row:04d}" for row in range(len(table))]
    labels = [CLASSES[int(label)] for label in table[:, 64]]
    return RawDataset("digits", CLASSES, RawImages(partial(_png, pixels), names, labels))


def _read_table() -> NDArray[Any]:
    """Rows of 64 pixels and a label; scikit-learn's own file, whose import takes 1.5 seconds."""
    found = importlib.util.find_spec("sklearn")
    if found and found.origin:
        file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if file.exists():
            return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.column_stack([pixels, labels])


def _png(pixels: NDArray[np.uint8], name: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[int(name.removeprefix("digit-"))]).save(buffer, "PNG")
    return buffer.getvalue()
