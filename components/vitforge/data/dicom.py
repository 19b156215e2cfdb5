"""DICOM files as the upright picture that a radiologist would be shown."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitforge.errors import VitforgeError


def dicom_to_png(content: bytes) -> bytes:
    """Render the picture of a DICOM file; nothing else of it is kept.

    The modality and VOI look-up tables are applied (without one, the full range of values),
    MONOCHROME1 is inverted so that air is black, and the picture is turned so that its rows run
    to the patient's left or back and its columns to the feet.

    Args:
        content: The file, 1 to 16 bits a sample.

    Returns:
        A PNG: 8-bit grey, or RGB where the file holds colour.

    Raises:
        VitforgeError: if it is no DICOM file, has no pixels or several frames, or is compressed
            in a way that needs the extra `dicom`.

    Source: DICOM PS3.3 C.11 and C.7.6.1.1.1, PS3.4 N.2
    """
    import pydicom
    from pydicom.errors import InvalidDicomError
    from pydicom.pixels import apply_modality_lut, apply_voi_lut, convert_color_space

    try:
        data = pydicom.dcmread(io.BytesIO(content))
        _refuse_unreadable(data)
        pixels = data.pixel_array
    except InvalidDicomError:
        raise VitforgeError("the file is not a DICOM file") from None
    except VitforgeError:
        raise
    except Exception as error:  # the decoders' plugins raise what they like
        raise VitforgeError(f"the DICOM file cannot be decoded: {error}") from None
    kind = str(data.PhotometricInterpretation)
    if pixels.ndim == 3:
        if kind.startswith("YBR"):
            pixels = convert_color_space(pixels, kind, "RGB")
        picture = pixels.astype(np.uint8)
    else:
        shown = apply_voi_lut(apply_modality_lut(pixels, data), data).astype(np.float64)
        picture = _grey(shown, data, inverted=kind == "MONOCHROME1")
    buffer = io.BytesIO()
    Image.fromarray(_upright(picture, data)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def patient_group(path: Path) -> str:
    """A word for the file's patient that does not say who it is; empty where there is none.

    Returns:
        16 hex digits of the SHA-256 of the patient's id.
    """
    import pydicom

    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"])
    except Exception:  # what cannot be read is told when the image is decoded
        return ""
    patient = str(data.get("PatientID", "") or "")
    return hashlib.sha256(patient.encode()).hexdigest()[:16] if patient else ""


def _refuse_unreadable(data: Any) -> None:
    """Frames of which nobody said which is meant, and a compression without its decoder."""
    from pydicom.pixels import get_decoder

    frames = int(data.get("NumberOfFrames", 1) or 1)
    if frames > 1:
        raise VitforgeError(
            f"the DICOM file holds {frames:,} frames, and a label is for one picture",
            mend="write each frame that the label is true of as a file of its own",
        )
    syntax = data.file_meta.TransferSyntaxUID
    if syntax.is_compressed and not get_decoder(syntax).is_available:
        raise VitforgeError(
            f"the DICOM file is compressed as {syntax.name}: reading it needs vitforge[dicom]",
            mend="pip install 'vitforge[dicom]'",
        )


def _grey(values: NDArray[np.float64], data: Any, inverted: bool) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if "WindowWidth" in data and "VOILUTSequence" not in data:
        # The window maps to the full range of stored values; its ends are black and white.
        bits = int(data.BitsStored)
        signed = int(data.PixelRepresentation)
        slope, shift = float(data.get("RescaleSlope", 1)), float(data.get("RescaleIntercept", 0))
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        low, high = low * slope + shift, high * slope + shift
    scaled = np.clip((values - low) / max(high - low, 1e-9), 0.0, 1.0)
    return np.rint(255 * (1 - scaled if inverted else scaled)).astype(np.uint8)


def _upright(picture: NDArray[np.uint8], data: Any) -> NDArray[np.uint8]:
    """Turn by PatientOrientation: where rows and columns run, as letters such as L and F."""
    where = [str(word) for word in data.get("PatientOrientation", None) or []]
    if len(where) != 2 or not all(where):
        return picture
    rows, columns = where[0][0], where[1][0]
    if rows in "HF":  # lying on its side
        picture = picture.swapaxes(0, 1)
        rows, columns = columns, rows
    if rows == "R":
        picture = picture[:, ::-1]
    if columns == "H":
        picture = picture[::-1]
    return np.ascontiguousarray(picture)
