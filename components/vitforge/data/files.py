"""Files by their names, and reading one image file, wherever it lies and whatever it is."""

from pathlib import Path

DICOM_SUFFIXES = (".dcm", ".dicom")
MANIFEST_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")


def find_manifest(folder: Path) -> Path | None:
    """The manifest that lies in an image folder under a usual name, or None."""
    names = (f"{stem}{suffix}" for stem in ("metadata", "manifest") for suffix in MANIFEST_SUFFIXES)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_image(root: Path, name: str) -> bytes:
    """Read a file's bytes, as an image that Pillow opens.

    Args:
        root: Folder that a relative name starts from.
        name: Relative or absolute path, or a URL.
    """
    path = _fetched(name) if "://" in name else root / name
    content = path.read_bytes()
    if path.suffix.lower() not in DICOM_SUFFIXES:
        return content
    from vitforge.data.dicom import dicom_to_png

    return dicom_to_png(content)


def _fetched(url: str) -> Path:
    from vitforge.data.remote import fetch_file

    return fetch_file(url)
