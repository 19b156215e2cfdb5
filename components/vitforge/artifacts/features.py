"""Frozen features in the artifact `plan`: computed once, read by whoever trains a head on them.

A file is an `.npz` of four arrays: `features` (N × D, float32: what the head sees of each image,
without augmentation), `labels` (N, int64), `ids` (N strings, the column `id` of the splits) and
`made_by` (one string, `features_key`). It is written and read without pickle.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitforge.artifacts.checkpoint import Preprocessing
from vitforge.artifacts.plan import BackboneSpec, Plan
from vitforge.errors import VitforgeError


def features_key(spec: BackboneSpec, how: Preprocessing, fingerprint: str) -> str:
    """A digest of all that features depend on: architecture, weights, preprocessing, images.

    Args:
        spec: As the plan holds it; its label does not count.
        how: How images reached the backbone.
        fingerprint: Of the dataset artifact.
    """
    said = [spec.model_dump(mode="json", exclude={"label"}), how.model_dump(mode="json")]
    text = json.dumps([*said, fingerprint], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class FrozenFeatures:
    """What a frozen backbone makes of some images.

    Attributes:
        values_ND: What the head would see, float32.
        labels_N: Class indices, int64.
        ids: The images' ids, N strings.
        made_by: From `features_key`.
    """

    values_ND: NDArray[np.float32]
    labels_N: NDArray[np.int64]
    ids: tuple[str, ...]
    made_by: str

    def save(self, file: Path) -> None:
        """Write the `.npz`; its folder is made."""
        arrays: dict[str, NDArray[Any]] = {
            "features": self.values_ND,
            "labels": self.labels_N,
            "ids": np.array(self.ids, dtype=np.str_),
            "made_by": np.array(self.made_by, dtype=np.str_),
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, file: Path) -> "FrozenFeatures":
        """Read the `.npz`.

        Raises:
            VitforgeError: if the file cannot be read or is none of ours.
        """
        import zipfile

        try:
            with np.load(file, allow_pickle=False) as kept:
                return cls(
                    kept["features"],
                    kept["labels"],
                    tuple(kept["ids"].tolist()),
                    str(kept["made_by"]),
                )
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise VitforgeError(
                f"the frozen features cannot be read: {error}",
                where=str(file),
                mend="choose the backbone again: vitforge plan CONFIG",
            ) from error

    def complete(
        self, ids: Sequence[str], compute: Callable[[list[int]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """The features of these images, in this order; what is not kept is computed.

        A plan keeps the features of a sample, so a training on more images has the rest computed,
        by the same backbone in the same way.

        Args:
            ids: The images wanted, M of them.
            compute: Given positions in `ids`, the features of those images, one row each; not
                called when all are kept.

        Returns:
            Shape (M, D), float32.
        """
        at = {name: row for row, name in enumerate(self.ids)}
        known = [at.get(name, -1) for name in ids]
        missing = [place for place, row in enumerate(known) if row < 0]
        values_MD = self.values_ND[known]
        if missing:
            values_MD[missing] = compute(missing)
        return values_MD


def planned_features(folder: Path, plan: Plan, made_by: str) -> FrozenFeatures | None:
    """The frozen features of the backbone that a plan chose.

    A training that moves the head alone starts from them:

        kept = planned_features(plan_folder, plan, features_key(plan.backbone, how, fingerprint))
        if kept is not None:
            features_MD = kept.complete(train_ids, compute_the_rest)

    Args:
        folder: Of the plan artifact.
        plan: Read from it.
        made_by: What the caller would compute, from `features_key`.

    Returns:
        None where the plan keeps none (random weights, nothing compared), or where they were
        computed in another way.
    """
    for row in plan.candidates:
        # The digest names the backbone; a label or a folder's name would not.
        if row.features_file:
            kept = FrozenFeatures.load(folder / row.features_file)
            if kept.made_by == made_by:
                return kept
    return None
