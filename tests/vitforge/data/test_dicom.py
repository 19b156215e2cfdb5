import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGLosslessSV1

from vitforge.data.dicom import dicom_to_png, patient_group
from vitforge.data.folder import read_folder
from vitforge.errors import VitforgeError

RAMP = np.array([[0, 1000, 2000], [3000, 4000, 4095]], dtype=np.uint16)


def write_dicom(path: Path, pixels: np.ndarray = RAMP, bits: int = 12, **tags: Any) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = tags.pop("syntax", ExplicitVRLittleEndian)
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, bits, bits - 1
    data.PixelRepresentation = 0
    data.PatientID = "Doe^Jane"
    data.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path.read_bytes()


def _pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(dicom_to_png(content))))


def test_without_a_window_all_values_are_shown(tmp_path: Path) -> None:
    seen = _pixels(write_dicom(tmp_path / "x.dcm"))
    np.testing.assert_array_equal(seen, np.rint(RAMP / 4095 * 255))


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    plain = _pixels(write_dicom(tmp_path / "x.dcm"))
    content = write_dicom(tmp_path / "y.dcm", PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(_pixels(content), 255 - plain)


def test_the_window_is_applied(tmp_path: Path) -> None:
    seen = _pixels(write_dicom(tmp_path / "x.dcm", WindowCenter=2000, WindowWidth=2001))
    # PS3.3 C.11.2.1.2.1: black at centre - 0.5 - (width-1)/2 and below, white above the other end.
    wanted = np.clip((RAMP - 1999.5) / 2000 + 0.5, 0, 1) * 255
    np.testing.assert_allclose(seen, wanted, atol=0.51)
    assert seen[0, 1] == 0
    assert seen[1, 0] == 255


def test_sixteen_bits_are_kept_to_eight_of_their_own_range(tmp_path: Path) -> None:
    pixels = np.array([[0, 65535], [32768, 100]], dtype=np.uint16)
    seen = _pixels(write_dicom(tmp_path / "x.dcm", pixels, bits=16))
    np.testing.assert_array_equal(seen, [[0, 255], [128, 0]])


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (["L", "F"], lambda a: a),
        (["R", "F"], lambda a: a[:, ::-1]),
        (["L", "H"], lambda a: a[::-1]),
        (["F", "L"], lambda a: a.T),
        (["P", "F"], lambda a: a),
    ],
)
def test_the_picture_is_turned_upright(orientation, turned, tmp_path: Path) -> None:
    plain = _pixels(write_dicom(tmp_path / "x.dcm"))
    content = write_dicom(tmp_path / "y.dcm", PatientOrientation=orientation)
    np.testing.assert_array_equal(_pixels(content), turned(plain))


def test_nothing_of_the_patient_is_kept(tmp_path: Path) -> None:
    content = write_dicom(tmp_path / "x.dcm", PatientName="Doe^Jane")
    assert b"Doe" in content
    assert b"Doe" not in dicom_to_png(content)


def test_no_dicom_file_at_all() -> None:
    with pytest.raises(VitforgeError, match="not a DICOM file"):
        dicom_to_png(b"\x89PNG")


def test_a_folder_of_dicom_files_is_grouped_by_hashed_patient(tmp_path: Path) -> None:
    for name, patient in (("sick", "7"), ("well", "7"), ("well", "8")):
        (tmp_path / name).mkdir(exist_ok=True)
        write_dicom(tmp_path / name / f"{patient}.dcm", PatientID=patient)
    raw = read_folder(tmp_path)
    assert raw.images[0].group == hashlib.sha256(b"7").hexdigest()[:16]
    assert raw.images[0].group == raw.images[1].group != raw.images[2].group
    assert raw.images[0].load().startswith(b"\x89PNG")
    assert patient_group(tmp_path / "nothing.dcm") == ""


# Rows of 0, 16, 32, ... 4080, 12 bits, 16 pixels wide, as GDCM 3.2.6 writes JPEG Lossless (SV1).
LOSSLESS = bytes.fromhex(
    "ffd8ffc3000b100010001001011100ffc400160001010100000000000000000000000000050910ffda000801"
    "0100010000c82082082082082082082085004104104104104104104104280208208208208208208208214010"
    "410410410410410410410a008208208208208208208208500410410410410410410410428020820820820820"
    "8208208214010410410410410410410410a00820820820820820820820850041041041041041041041042802"
    "08208208208208208208214010410410410410410410410a0082082082082082082082085004104104104104"
    "104104104280208208208208208208208214010410410410410410410410ffd9"
)


def _lossless(path: Path) -> bytes:
    return write_dicom(
        path, np.zeros((16, 16), np.uint16), syntax=JPEGLosslessSV1,
        PixelData=encapsulate([LOSSLESS]),
    )  # fmt: skip


def test_a_compression_without_its_decoder_names_the_extra(tmp_path: Path, monkeypatch) -> None:
    from pydicom.pixels.decoders import base

    content = _lossless(tmp_path / "x.dcm")
    monkeypatch.setattr(base.Decoder, "is_available", False)
    with pytest.raises(VitforgeError, match=r"JPEG Lossless.*vitforge\[dicom\]"):
        dicom_to_png(content)


def test_jpeg_lossless_is_decoded_with_the_extra(tmp_path: Path) -> None:
    pytest.importorskip("gdcm")
    wanted = np.rint(np.arange(0, 4096, 16).reshape(16, 16) / 4080 * 255)
    np.testing.assert_array_equal(_pixels(_lossless(tmp_path / "x.dcm")), wanted)


def test_several_frames_are_not_guessed_among(tmp_path: Path) -> None:
    content = write_dicom(
        tmp_path / "x.dcm", NumberOfFrames=2, PixelData=np.stack([RAMP, RAMP]).tobytes()
    )
    with pytest.raises(VitforgeError, match="2 frames"):
        dicom_to_png(content)
