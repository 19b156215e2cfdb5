from collections import Counter
from pathlib import Path

import pytest

from vitforge.data.folder import read_folder
from vitforge.errors import VitforgeError


def test_classes_are_folders_and_ids_are_paths(make_folder) -> None:
    root = make_folder({"dog": 2, "cat": 1, "cat/indoors": 1})
    raw = read_folder(root)
    assert raw.name == "photos"
    assert raw.classes == ("cat", "dog")
    assert [(image.id, image.label, image.split) for image in raw.images] == [
        ("cat/000.png", "cat", ""),
        ("cat/indoors/000.png", "cat", ""),
        ("dog/000.png", "dog", ""),
        ("dog/001.png", "dog", ""),
    ]
    assert raw.images[0].load() == (root / "cat" / "000.png").read_bytes()


def test_split_folders_are_respected_under_their_usual_names(make_folder) -> None:
    raw = read_folder(
        make_folder({f"{split}/{name}": 2 for split in ("Train", "valid", "test") for name in "ab"})
    )
    assert raw.classes == ("a", "b")
    assert Counter(image.split for image in raw.images) == {"train": 4, "val": 4, "test": 4}


def test_a_class_may_be_called_train(make_folder) -> None:
    assert read_folder(make_folder({"train": 2, "bus": 2})).classes == ("bus", "train")


def test_class_folders_that_differ_in_case_only(make_folder) -> None:
    with pytest.raises(VitforgeError, match=r"'Cat' \(3 images\) and 'cat'"):
        read_folder(make_folder({"Cat": 3, "cat": 1, "dog": 2}))


def test_hidden_files_are_passed_over_and_others_listed(make_folder) -> None:
    root = make_folder({"cat": 1, "dog": 1, ".git": 1, "cat/.thumbs": 1, "__MACOSX": 1})
    for name in (".DS_Store", "._000.png", "Thumbs.db"):
        (root / "cat" / name).write_bytes(b"x")
    (root / "cat" / "notes.txt").write_text("x")
    raw = read_folder(root)
    assert [image.id for image in raw.images] == ["cat/000.png", "dog/000.png"]
    assert [(file.path, file.reason) for file in raw.ignored] == [
        ("cat/notes.txt", "not an image file")
    ]


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(VitforgeError, match="the folder is empty") as caught:
        read_folder(tmp_path)
    assert caught.value.where == str(tmp_path)
    assert "FOLDER/CLASS/image.jpg" in caught.value.mend


def test_a_folder_of_hidden_files_is_not_called_empty(tmp_path: Path) -> None:
    for name in (".DS_Store", "._cat.jpg"):
        (tmp_path / name).touch()
    with pytest.raises(VitforgeError, match="holds no images"):
        read_folder(tmp_path)


def test_images_without_class_folders(make_folder) -> None:
    with pytest.raises(VitforgeError, match="3 images, but no class folders"):
        read_folder(make_folder({"only": 3}) / "only")


def test_class_folders_without_images(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "dog").mkdir()
    with pytest.raises(VitforgeError, match="holds no images"):
        read_folder(tmp_path)


def test_one_class_only_points_to_the_folder_inside(make_folder) -> None:
    with pytest.raises(VitforgeError, match="only one class, 'cat'"):
        read_folder(make_folder({"cat": 5}))
    inner = make_folder({"flowers/rose": 5, "flowers/tulip": 5}, name="unpacked")
    with pytest.raises(VitforgeError) as caught:
        read_folder(inner)
    assert caught.value.mend == f"did you mean {inner / 'flowers'}?"


def test_a_class_that_training_lacks_names_the_nearest(make_folder) -> None:
    root = make_folder({"train/Cat": 1, "train/dog": 1, "val/cat": 1, "val/dog": 1})
    with pytest.raises(VitforgeError, match="'cat' is in val but not in train") as caught:
        read_folder(root)
    assert caught.value.mend == "did you mean 'Cat'?"


def test_splits_beside_other_folders(make_folder) -> None:
    root = make_folder({"train/cat": 1, "train/dog": 1, "extra/cat": 1})
    with pytest.raises(VitforgeError, match="beside others: extra"):
        read_folder(root)
