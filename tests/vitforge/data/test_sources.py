import os
import subprocess
import sys
from pathlib import Path

import pytest

from vitforge.data.sources import check_source, read_source, source_digest
from vitforge.errors import VitforgeError


def test_names_are_told_apart(make_folder, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = make_folder({"cat": 1, "dog": 1})
    assert check_source("digits") == "digits"
    assert check_source(str(root)) == "folder"
    assert check_source("owner/name") == "hub"
    (root / "dataset_dict.json").write_text("{}")
    assert check_source(str(root)) == "saved"


def test_a_missing_folder_names_the_nearest(make_folder) -> None:
    root = make_folder({"cat": 1, "dog": 1}, name="flowers")
    with pytest.raises(VitforgeError, match="no data set") as caught:
        read_source(str(root.parent / "flowrs"))
    assert str(root) in caught.value.mend


@pytest.mark.parametrize("name", ["digts", "photos/flowrs"])
def test_a_misspelt_name_is_no_hub_id_where_its_folder_is_here(
    name: str, make_folder, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_folder({"flowers": 1})
    with pytest.raises(VitforgeError) as caught:
        check_source(name)
    assert caught.value.mend in ("did you mean digits?", "did you mean photos/flowers?")


def test_a_file_is_no_data_set(tmp_path: Path) -> None:
    archive = tmp_path / "photos.zip"
    archive.write_bytes(b"PK")
    with pytest.raises(VitforgeError, match="is a file") as caught:
        check_source(str(archive))
    assert "unpack" in caught.value.mend


@pytest.mark.parametrize("name", ["nowhere/list.csv", "nowhere/a.tgz"])
def test_a_missing_manifest_is_not_asked_of_the_hub(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VitforgeError, match="there is no data set"):
        check_source(name)


def test_the_digest_follows_names_sizes_and_times(make_folder) -> None:
    root = make_folder({"cat": 2, "dog": 2})
    seen = [source_digest(str(root))]
    image = root / "cat" / "000.png"
    os.utime(image, ns=(0, 1))
    seen.append(source_digest(str(root)))
    image.rename(root / "cat" / "zzz.png")
    seen.append(source_digest(str(root)))
    (root / "dog" / "001.png").write_bytes(b"")
    os.utime(root / "dog" / "001.png", ns=(0, 1))
    seen.append(source_digest(str(root)))
    assert len(set(seen)) == 4
    assert source_digest(str(root)) == seen[-1]


def test_what_is_not_a_local_folder_has_no_digest() -> None:
    assert source_digest("digits") == source_digest("owner/name") == ""


def test_asking_for_the_digest_imports_nothing_heavy() -> None:
    code = (
        "import sys, vitforge.data.sources; "
        "print({'numpy', 'PIL', 'datasets', 'pyarrow', 'sklearn', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
