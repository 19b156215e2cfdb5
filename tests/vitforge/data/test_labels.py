import math

import pytest

from vitforge.config import DataConfig
from vitforge.data.labels import read_labels
from vitforge.errors import VitforgeError


def _read(columns, **settings):
    return read_labels(columns, DataConfig(**settings), "m.csv")


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (["cat", "dog"], "single_label"),
        (["1", "2", "3"], "single_label"),
        (["1", "2.5"], "regression"),
        (["cat|dog", "cat"], "multi_label"),
        ([["cat"], ["cat", "dog"]], "multi_label"),
    ],
)
def test_the_task_is_found_and_stated(cells, task) -> None:
    labels = _read({"label": cells})
    assert labels.task == task
    assert "'label'" in labels.found


def test_chexpert_columns_with_a_policy_for_each_label() -> None:
    # 1 positive, 0 negative, -1 uncertain, blank not mentioned.
    cells = ["1", "0", "-1", ""]
    labels = _read(
        {"Edema": cells, "Effusion": cells, "Fracture": cells, "Mass": cells},
        uncertain_labels={"Edema": "ones", "Effusion": "zeros", "Fracture": "soft"},
        missing_labels={"Edema": "zeros", "Effusion": "soft", "*": "ones"},
    )
    nan = math.nan
    by_label = [tuple(column) for column in labels.targets.T]
    assert by_label[0] == (1, 0, 1, 0)
    assert by_label[1] == (1, 0, 0, 0.15)
    assert by_label[2] == (1, 0, 0.7, 1)
    assert by_label[3] == pytest.approx((1, 0, nan, 1), nan_ok=True)
    assert labels.names[0] == "Edema|Effusion|Fracture|Mass"
    assert labels.names[1] == "none"


def test_a_row_of_which_nothing_is_known_has_no_label() -> None:
    assert _read({"a": ["", "1"], "b": ["-1", "0"]}).names == ["", "a"]


def test_a_policy_for_an_unknown_label_names_the_known_ones() -> None:
    with pytest.raises(VitforgeError, match="'Oedema'") as caught:
        _read({"Edema": ["1"], "Mass": ["0"]}, missing_labels={"Oedema": "ones"})
    assert "Edema, Mass" in caught.value.mend


def test_ordinal_classes_are_in_order() -> None:
    assert _read({"grade": ["10", "2", "9"]}, task="ordinal").classes == ("2", "9", "10")
    order = ("mild", "severe", "fatal")
    cells = ["fatal", "mild"]
    assert _read({"g": cells}, task="ordinal", order=order).classes == ("mild", "fatal")
    with pytest.raises(VitforgeError, match="'dire' has no place"):
        _read({"g": ["dire"]}, task="ordinal", order=order)


def test_a_regression_takes_numbers_only_and_names_the_row() -> None:
    labels = _read({"age": ["1.5", "", "3"]})
    assert labels.targets[:, 0] == pytest.approx([1.5, math.nan, 3.0], nan_ok=True)
    assert labels.names == ["1.5", "", "3"]
    with pytest.raises(VitforgeError, match="'old' is no number") as caught:
        _read({"age": ["1.5", "old"]}, task="regression")
    assert caught.value.where == "m.csv, row 2"


def test_class_names_that_differ_in_case_only_are_refused() -> None:
    with pytest.raises(VitforgeError, match=r"'Cat' \(2 images\) and 'cat' \(1\)") as caught:
        _read({"label": ["Cat", "cat", "Cat", "dog"]})
    assert caught.value.mend == "rename 'cat' to 'Cat'"
