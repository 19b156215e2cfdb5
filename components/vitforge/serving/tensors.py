"""Answers as the output tensors of KServe's protocol V2; N images, K labels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from vitforge.config.data import Task
from vitforge.serving.answer import Answer


class Tensor(NamedTuple):
    """One output: `shape` begins with the images, -1 where their number is not known."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


def output_tensors(
    task: Task, labels: Sequence[str], calibrated: bool, answers: Sequence[Answer] | None = None
) -> list[Tensor]:
    """The outputs of a task, filled where answers are given.

    A regression has `value`; a class `label`, `probability`, where it is calibrated `confidence`,
    and where it is ordered `expected_rank`; labels have `label`, `probability`, `confidence` and
    `called`, each of shape (N, K), in the order of the labels.
    """
    given = answers or []
    n = -1 if answers is None else len(given)
    if task == "regression":
        return [Tensor("value", "FP32", [n], [one["value"] for one in given])]
    shares = ["probability", *(["confidence"] if calibrated else [])]
    if task == "multi_label":
        rows = [row for one in given for row in one["probabilities"]]
        shape = [n, len(labels)]
        called = [row["label"] in one["labels"] for one in given for row in one["probabilities"]]
        return [
            Tensor("label", "BYTES", shape, [row["label"] for row in rows]),
            *(Tensor(name, "FP32", shape, [dict(row)[name] for row in rows]) for name in shares),
            Tensor("called", "BOOL", shape, called),
        ]
    numbers = shares + (["expected_rank"] if task == "ordinal" else [])
    return [
        Tensor("label", "BYTES", [n], [one["label"] for one in given]),
        *(Tensor(name, "FP32", [n], [dict(one)[name] for one in given]) for name in numbers),
    ]
