"""A folder of images, one folder per class, with or without train/val/test above."""

import difflib
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vitforge.artifacts import TRAIN, DroppedImage
from vitforge.config import DataConfig
from vitforge.data.files import DICOM_SUFFIXES, read_image
from vitforge.data.labels import ordered_classes, refuse_case_twins
from vitforge.data.raw import RawDataset, RawImages
from vitforge.data.split_names import SPLIT_NAMES
from vitforge.errors import VitforgeError

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif"),
    *(".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".avif"),
    *DICOM_SUFFIXES,
)
_LAYOUT = "lay it out as FOLDER/CLASS/image.jpg, or FOLDER/{train,val,test}/CLASS/image.jpg"


def read_folder(root: Path, config: DataConfig | None = None) -> RawDataset:
    """List the images under `root`; hidden files and folders are passed over.

    Images of DICOM files are grouped by patient.

    Raises:
        VitforgeError: if `root` is empty, has no class folders or one only, the given splits
            disagree about the classes, or class names differ in case only.
    """
    config = config or DataConfig()
    if config.task not in ("auto", "single_label", "ordinal"):
        raise VitforgeError(
            f"folders of classes cannot hold the labels of a {config.task} task",
            where=str(root),
            mend="write a manifest: metadata.csv in the folder, a row for each image",
        )
    top = _folders(root)
    if not top:
        raise _no_classes(root)
    if _is_split(top):
        splits = {SPLIT_NAMES[folder.name.lower()]: folder for folder in top}
        class_folders = [
            (split, folder) for split, above in splits.items() for folder in _folders(above)
        ]
        if not class_folders:
            raise _no_classes(root)
        classes = _agreed(root, class_folders)
    else:
        class_folders = [("", folder) for folder in top]
        classes = tuple(sorted(folder.name for folder in top))
    if len(classes) == 1:
        raise _one_class(class_folders[0][1])
    ids: list[str] = []
    labels: list[str] = []
    given: list[str] = []
    groups: list[str] = []
    ignored: list[DroppedImage] = []
    for split, folder in class_folders:
        for path in _files(folder):
            name = path.relative_to(root).as_posix()
            if path.suffix and path.suffix.lower() not in SUFFIXES:
                ignored.append(DroppedImage(path=name, reason="not an image file"))
            else:
                ids.append(name)
                labels.append(folder.name)
                given.append(split)
                groups.append(_patient(path) if path.suffix.lower() in DICOM_SUFFIXES else "")
    if not ids:
        raise VitforgeError("the folder holds no images", where=str(root), mend=_LAYOUT)
    refuse_case_twins(Counter(labels), str(root))
    ordinal = config.task == "ordinal"
    return RawDataset(
        root.resolve().name,
        ordered_classes(classes, config, str(root)) if ordinal else classes,
        RawImages(partial(read_image, root), ids, labels, given, groups),
        tuple(ignored),
        "ordinal" if ordinal else "single_label",
    )


def _is_split(top: list[Path]) -> bool:
    """Whether the folders are splits; a class may well be called `train`."""
    names = [folder.name.lower() for folder in top]
    if "train" not in names and "training" not in names:
        return False
    others = [folder.name for folder in top if folder.name.lower() not in SPLIT_NAMES]
    if not others:
        return True
    train = next(folder for folder in top if SPLIT_NAMES.get(folder.name.lower()) == TRAIN)
    if any(path.parent == train for path in _files(train)):
        return False
    raise VitforgeError(
        f"folders of splits stand beside others: {', '.join(others[:5])}",
        where=str(train.parent),
        mend=f"move the others away; {_LAYOUT}",
    )


def _agreed(root: Path, class_folders: list[tuple[str, Path]]) -> tuple[str, ...]:
    """The training classes, of which the other splits may have no more."""
    trained = {folder.name for split, folder in class_folders if split == TRAIN}
    for _, folder in class_folders:
        if folder.name not in trained:
            lower = {name.lower(): name for name in trained}
            near = difflib.get_close_matches(folder.name.lower(), lower, n=1, cutoff=0.6)
            raise VitforgeError(
                f"class {folder.name!r} is in {folder.parent.name} but not in train",
                where=str(folder),
                mend=f"did you mean {lower[near[0]]!r}?" if near else "add it to train, or drop it",
            )
    return tuple(sorted(trained))


def _folders(root: Path) -> list[Path]:
    return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(files):
            # macOS leaves `._x.jpg` beside x.jpg, Windows Thumbs.db.
            if not name.startswith(".") and name.lower() not in ("thumbs.db", "desktop.ini"):
                yield Path(folder, name)


def _no_classes(root: Path) -> VitforgeError:
    found = sum(path.suffix.lower() in SUFFIXES for path in _files(root))
    if found:
        return VitforgeError(
            f"{found:,} images, but no class folders", where=str(root), mend=_LAYOUT
        )
    hidden = any(root.iterdir())
    cause = "the folder holds no images, nor folders of them" if hidden else "the folder is empty"
    return VitforgeError(cause, where=str(root), mend=_LAYOUT)


def _one_class(folder: Path) -> VitforgeError:
    inner = len(_folders(folder))
    return VitforgeError(
        f"there is only one class, {folder.name!r}",
        where=str(folder.parent),
        mend=f"did you mean {folder}?" if inner > 1 else "add a folder for every other class",
    )


def _patient(path: Path) -> str:
    from vitforge.data.dicom import patient_group

    return patient_group(path)
