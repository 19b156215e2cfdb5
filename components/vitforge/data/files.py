"""Reading one image file, wherever it lies and whatever it is."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

DICOM_SUFFIXES = (".dcm", ".dicom")


def file_reader(root: Path, name: str) -> Callable[[], bytes]:
    """A function that reads a file's bytes, as an image that Pillow opens.

    Args:
        root: Folder that a relative name starts from.
        name: Relative or absolute path, or a URL.
    """
    if "://" in name:
        return partial(_read_url, name)
    path = root / name
    if path.suffix.lower() in DICOM_SUFFIXES:
        return partial(_read_dicom, path)
    # A Path an image would be half a kilobyte of memory each.
    return partial(_read_file, str(path))


def _read_file(path: str) -> bytes:
    return Path(path).read_bytes()


def _read_url(url: str) -> bytes:
    from vitforge.data.remote import fetch_file

    path = fetch_file(url)
    return _read_dicom(path) if path.suffix.lower() in DICOM_SUFFIXES else path.read_bytes()


def _read_dicom(path: Path) -> bytes:
    from vitforge.data.dicom import dicom_to_png

    return dicom_to_png(path.read_bytes())
