"""What the one clean pass leaves behind; every clean metric is made from it.

Shapes: N images, O outputs of the head, K classes or labels, D features.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import FEATURES_FILE, PREDICTIONS_FILE, write_atomically
from vitforge.config.data import Task
from vitforge.errors import VitforgeError
from vitforge.metrics.class_scores import ClassScores, score_classes
from vitforge.tasks import probabilities

SLICE_PREFIX = "slice_"
_STANDARD = ("id", "label", "logits", "prediction", "confidence")


@dataclass(frozen=True)
class Predictions:
    """A model's answers for N images, one entry an image in every array."""

    ids: tuple[str, ...]
    labels: NDArray[Any]
    """The truth: int64 class indices; of a multi-label task float32, shape (N, K), NaN where
    unknown; of a regression float32."""
    logits: NDArray[np.float32]
    """Raw outputs of the head, shape (N, O); `vitforge.tasks` says what they mean."""
    task: Task = "single_label"
    slices: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    """What the images can be told apart by, by name; empty where unknown."""
    features: NDArray[np.float16] | None = None
    """What the head sees, shape (N, D)."""
    columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Further numbers an image, shape (N,) or (N, M): attention statistics."""

    @classmethod
    def of(
        cls,
        ids: tuple[str, ...],
        labels: NDArray[Any],
        logits: NDArray[np.float32],
        task: Task = "single_label",
        **more: Any,
    ) -> Self:
        """Check that everything belongs together.

        Raises:
            VitforgeError: if there are no rows, the shapes disagree, a label is no class, or an
                output is not finite.
        """
        _check(ids, labels, logits, task)
        return cls(ids, labels, logits, task, **more)

    @cached_property
    def scores(self) -> ClassScores:
        """What each answer is worth; of a single-label or ordinal task."""
        return score_classes(self.logits, self.labels, self.task)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted class: of the largest logit, the first of equals; ordinal: the median."""
        return self.scores.predicted

    @property
    def rank(self) -> NDArray[np.int64]:
        """Classes placed before the true one; 0 means the prediction is right."""
        return self.scores.rank

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is right."""
        return np.asarray(self.scores.predicted == self.labels)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the predicted class, (0, 1]."""
        return self.scores.confidence

    @property
    def nll(self) -> NDArray[np.float64]:
        """Negative log-probability of the true class, nats."""
        return self.scores.nll

    @property
    def brier(self) -> NDArray[np.float64]:
        """Squared distance of the probabilities from the one-hot truth, [0, 2]."""
        return self.scores.brier

    @property
    def entropy(self) -> NDArray[np.float64]:
        """Entropy of the probabilities, nats, [0, ln K]."""
        return self.scores.entropy

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Shape (N, K); of a multi-label task each label's own.

        Raises:
            ValueError: for a regression, which has none.
        """
        return probabilities(self.task, self.logits)

    @property
    def values(self) -> NDArray[np.float64]:
        """Predicted values of a regression."""
        return self.logits[:, 0].astype(np.float64)

    @property
    def n(self) -> int:
        """Images."""
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Classes or labels; 1 for a regression."""
        return int(self.logits.shape[1]) + (self.task == "ordinal")

    def save(self, folder: Path) -> None:
        """Write `predictions.parquet`, and `features.npy` where there are features.

        The columns are id, label, logits, prediction and confidence (of a class task), one
        `slice_NAME` a slice, and the further columns under their names.
        """
        import pyarrow
        import pyarrow.parquet

        table: dict[str, Any] = {
            "id": pyarrow.array(self.ids, pyarrow.string()),
            "label": _listed(self.labels),
            "logits": _listed(self.logits),
        }
        if self.task in ("single_label", "ordinal"):
            table["prediction"] = self.predicted
            table["confidence"] = self.confidence.astype(np.float32)
        table |= {SLICE_PREFIX + name: column.tolist() for name, column in self.slices.items()}
        table |= {name: _listed(column) for name, column in self.columns.items()}
        written = pyarrow.table(table).replace_schema_metadata({"task": self.task})
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(written, sink)
        write_atomically(folder / PREDICTIONS_FILE, sink.getvalue().to_pybytes())
        if self.features is not None:
            buffer = pyarrow.BufferOutputStream()
            np.save(buffer, self.features.astype(np.float16), allow_pickle=False)
            write_atomically(folder / FEATURES_FILE, buffer.getvalue().to_pybytes())

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read `predictions.parquet`, and `features.npy` where it lies beside.

        Raises:
            VitforgeError: if the file is missing or holds something else.
        """
        import pyarrow
        import pyarrow.parquet

        try:
            table = pyarrow.parquet.read_table(file)
            metadata = table.schema.metadata or {}
            task: Any = (metadata.get(b"task") or b"single_label").decode()
            names = table.column_names
            arrays = {n: _array(table[n]) for n in names if n != "id" and n[:6] != SLICE_PREFIX}
            slices = {
                name.removeprefix(SLICE_PREFIX): np.array(table[name].to_pylist(), dtype=np.str_)
                for name in names
                if name.startswith(SLICE_PREFIX)
            }
            ids, labels, logits = table["id"].to_pylist(), arrays["label"], arrays["logits"]
        except (FileNotFoundError, KeyError, pyarrow.ArrowInvalid) as error:
            raise VitforgeError(
                f"the predictions cannot be read: {error}",
                where=str(file),
                mend="run the step that writes it again: vitforge run CONFIG --fresh",
            ) from error
        beside = file.parent / FEATURES_FILE
        return cls.of(
            tuple(ids),
            labels,
            logits.astype(np.float32),
            task,
            slices=slices,
            features=np.load(beside, allow_pickle=False) if beside.is_file() else None,
            columns={name: a for name, a in arrays.items() if name not in _STANDARD},
        )


def _listed(values: NDArray[Any]) -> Any:
    """One value a row, or a list of them."""
    import pyarrow

    if values.ndim == 1:
        return pyarrow.array(values)
    offsets = pyarrow.array(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1])
    return pyarrow.ListArray.from_arrays(offsets, pyarrow.array(values.ravel()))


def _array(column: Any) -> NDArray[Any]:
    import pyarrow

    whole = column.combine_chunks()
    if not pyarrow.types.is_list(column.type):
        return np.array(whole.to_numpy(zero_copy_only=False))
    return np.array(whole.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), -1)


def _check(
    ids: tuple[str, ...], labels: NDArray[Any], logits: NDArray[np.float32], task: Task
) -> None:
    if len(labels) == 0:
        raise VitforgeError(
            "the test split holds no image, so nothing can be measured",
            mend="raise data.test_fraction",
        )
    shaped = labels.shape == logits.shape if task == "multi_label" else labels.ndim == 1
    if not shaped or logits.ndim != 2 or not len(ids) == len(labels) == len(logits):
        raise VitforgeError(
            f"{len(ids)} ids, {len(labels)} labels and logits of shape {logits.shape} "
            "do not belong together"
        )
    if task in ("single_label", "ordinal"):
        _check_classes(labels, logits.shape[1] + (task == "ordinal"))
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        raise VitforgeError(
            f"the model gives NaN or infinite logits for {int((~finite).sum())} images",
            where=f"image {ids[int(np.argmin(finite))]}",
            mend="train again with a smaller finetuning.learning_rate",
        )


def _check_classes(labels: NDArray[np.int64], classes: int) -> None:
    if labels.min() < 0 or labels.max() >= classes:
        worst = int(labels.max() if labels.max() >= classes else labels.min())
        raise VitforgeError(
            f"label {worst} is outside the model's {classes} classes",
            mend="evaluate on the data set that the model was trained on",
        )
