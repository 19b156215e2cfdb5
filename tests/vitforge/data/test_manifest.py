import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitforge.config import DataConfig
from vitforge.data.manifest import read_manifest, sortable_time
from vitforge.data.sources import check_source, read_source
from vitforge.errors import VitforgeError

ROWS = [
    {"path": "a/000.png", "label": "cat", "patient": "p1", "split": "train", "age": "31"},
    {"path": "a/001.png", "label": "dog", "patient": "p2", "split": "Validation", "age": "7"},
    {"path": "a/002.png", "label": "dog", "patient": "p3", "split": "test", "age": ""},
]


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        comma = "," if path.suffix == ".csv" else "\t"
        lines = [list(rows[0]), *(list(row.values()) for row in rows)]
        path.write_text("\ufeff" + "".join(comma.join(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl"])
def test_every_format_says_the_same(suffix: str, make_folder) -> None:
    root = make_folder({"a": 3})
    path = _write(root / f"list{suffix}", ROWS)
    assert check_source(str(path)) == "manifest"
    raw = read_source(str(path))
    assert (raw.name, raw.classes, raw.task) == ("list", ("cat", "dog"), "single_label")
    assert [image.split for image in raw.images] == ["train", "val", "test"]
    assert [image.group for image in raw.images] == ["p1", "p2", "p3"]
    assert raw.images.metadata == {"age": ["31", "7", ""]}
    assert raw.images[2].load() == (root / "a" / "002.png").read_bytes()


def test_a_folder_with_metadata_is_read_by_it(make_folder) -> None:
    root = make_folder({"a": 3})
    _write(root / "metadata.csv", [{"file_name": "a/000.png", "label": "x"}])
    assert [image.id for image in read_source(str(root)).images] == ["a/000.png"]


def test_columns_of_marks_make_a_multi_label_task(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "m.csv",
        [
            {"Path": "x.png", "Sex": "F", "Edema": "1.0", "Mass": ""},
            {"Path": "y.png", "Sex": "M", "Edema": "0.0", "Mass": "-1.0"},
        ],
    )
    raw = read_manifest(path, DataConfig(missing_labels={"*": "zeros"}))
    assert (raw.task, raw.classes) == ("multi_label", ("Edema", "Mass"))
    assert raw.images[0].targets == (1.0, 0.0)
    assert raw.images.metadata == {"Sex": ["F", "M"]}


def test_rows_that_cannot_be_used_are_listed(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "m.csv",
        [
            {"path": "x.png", "label": "cat"},
            {"path": "y.png", "label": ""},
            {"path": "", "label": "cat"},
            {"path": "x.png", "label": "cat"},
        ],
    )
    raw = read_manifest(path, DataConfig())
    assert [image.id for image in raw.images] == ["x.png"]
    assert [(lost.path, lost.reason) for lost in raw.dropped] == [
        ("y.png", "row 2 has no label"),
        ("m.csv:3", "row 3 has no path"),
        ("x.png", "listed twice, in rows 1 and 4"),
    ]


@pytest.mark.parametrize(
    ("text", "cause", "where"),
    [
        ("path,label\nx.png,cat\nx.png,dog\n", "listed twice, as 'cat' and 'dog'", "rows 1 and 2"),
        ("path,label\nx.png,cat,7\n", "3 cells, the header 2", "row 1"),
        ("path,label\n", "no rows", ""),
        ("picture,label\nx.png,cat\n", "images' paths: picture, label", ""),
        ("path,kind\nx.png,cat\n", "the labels: path, kind", ""),
        ("path,label,split\nx.png,cat,holdout\n", "'holdout' is no split", "row 1"),
    ],
)
def test_faults_name_their_place(text: str, cause: str, where: str, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(VitforgeError, match=cause) as caught:
        read_manifest(tmp_path / "m.csv", DataConfig())
    assert where in caught.value.where


def test_times_sort_as_text() -> None:
    assert sortable_time("9") < sortable_time("10")
    assert sortable_time("2024-01-31") < sortable_time("2024-01-31T00:01:00")
