"""What the one clean pass leaves behind, and the per-image columns every metric is made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts import PREDICTIONS_FILE, write_atomically
from vitforge.errors import VitforgeError

_BLOCK = 4096


@dataclass(frozen=True)
class Predictions:
    """A model's answers for N images and C classes, one entry an image in every array."""

    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    """True classes, in [0, C)."""
    logits: NDArray[np.float32]
    """Shape (N, C)."""
    predicted: NDArray[np.int64]
    """Class of the largest logit; the first of equals."""
    rank: NDArray[np.int64]
    """Classes placed before the true one; 0 means the prediction is right."""
    confidence: NDArray[np.float64]
    """Largest softmax probability, [1/C, 1]."""
    nll: NDArray[np.float64]
    """Negative log-probability of the true class, nats."""
    brier: NDArray[np.float64]
    """Squared distance of the probabilities from the one-hot truth, [0, 2]."""
    entropy: NDArray[np.float64]
    """Entropy of the probabilities, nats, [0, ln C]."""

    @classmethod
    def of(
        cls, ids: tuple[str, ...], labels: NDArray[np.int64], logits: NDArray[np.float32]
    ) -> Self:
        """Compute every column, a block of rows at a time so that memory stays small.

        Raises:
            VitforgeError: if there are no rows, the shapes disagree, a label is no class, or a
                logit is not finite.
        """
        _check(ids, labels, logits)
        blocks = [
            _columns(logits[start : start + _BLOCK], labels[start : start + _BLOCK])
            for start in range(0, len(labels), _BLOCK)
        ]
        rank, confidence, nll, brier, entropy = (
            np.concatenate(parts) for parts in zip(*blocks, strict=True)
        )
        return cls(
            ids=ids,
            labels=labels,
            logits=logits,
            predicted=logits.argmax(axis=1).astype(np.int64),
            rank=rank.astype(np.int64),
            confidence=confidence,
            nll=nll,
            brier=brier,
            entropy=entropy,
        )

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each prediction is right."""
        return np.equal(self.rank, 0)

    @property
    def n(self) -> int:
        """Images."""
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Classes."""
        return int(self.logits.shape[1])

    def save(self, folder: Path) -> None:
        """Write `predictions.parquet`: id, label, logits, prediction, confidence."""
        import pyarrow
        import pyarrow.parquet

        flat = pyarrow.array(self.logits.ravel(), pyarrow.float32())
        offsets = pyarrow.array(np.arange(self.n + 1, dtype=np.int32) * self.classes)
        table = pyarrow.table(
            {
                "id": pyarrow.array(self.ids, pyarrow.string()),
                "label": self.labels,
                "logits": pyarrow.ListArray.from_arrays(offsets, flat),
                "prediction": self.predicted,
                "confidence": self.confidence.astype(np.float32),
            }
        )
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink)
        write_atomically(folder / PREDICTIONS_FILE, sink.getvalue().to_pybytes())


def _check(ids: tuple[str, ...], labels: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
    if len(labels) == 0:
        raise VitforgeError(
            "the test split holds no image, so nothing can be measured",
            mend="raise data.test_fraction",
        )
    if logits.ndim != 2 or not len(ids) == len(labels) == len(logits):
        raise VitforgeError(
            f"{len(ids)} ids, {len(labels)} labels and logits of shape {logits.shape} "
            "do not belong together"
        )
    classes = logits.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        worst = int(labels.max() if labels.max() >= classes else labels.min())
        raise VitforgeError(
            f"label {worst} is outside the model's {classes} classes",
            mend="evaluate on the data set that the model was trained on",
        )
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        raise VitforgeError(
            f"the model gives NaN or infinite logits for {int((~finite).sum())} images",
            where=f"image {ids[int(np.argmin(finite))]}",
            mend="train again with a smaller finetuning.learning_rate",
        )


def _columns(
    logits_NC: NDArray[np.float32], labels_N: NDArray[np.int64]
) -> tuple[NDArray[np.float64], ...]:
    """Rank, confidence, NLL, Brier score and entropy of a block of rows."""
    rows = np.arange(len(labels_N))
    true_N1 = logits_NC[rows, labels_N][:, None]
    earlier_NC = np.arange(logits_NC.shape[1]) < labels_N[:, None]
    rank_N = (logits_NC > true_N1).sum(axis=1) + ((logits_NC == true_N1) & earlier_NC).sum(axis=1)

    logp_NC = logits_NC.astype(np.float64)
    logp_NC -= logp_NC.max(axis=1, keepdims=True)
    logp_NC -= np.log(np.exp(logp_NC).sum(axis=1, keepdims=True))
    p_NC = np.exp(logp_NC)
    entropy_N = -(p_NC * logp_NC).sum(axis=1)
    nll_N = -logp_NC[rows, labels_N]
    confidence_N = p_NC.max(axis=1)
    brier_N = (p_NC**2).sum(axis=1) - 2 * p_NC[rows, labels_N] + 1
    return rank_N.astype(np.float64), confidence_N, nll_N, brier_N, entropy_N
