"""What a frozen backbone makes of the sample: computed once, judged several ways, kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitforge.artifacts import Preprocessing
from vitforge.backbones import Backbone
from vitforge.training.images import ImageSet
from vitforge.training.normalise import normalise, to_unit

BATCH = 64


@dataclass(frozen=True)
class Features:
    """Frozen features of the sample.

    Attributes:
        values_ND: What the head would see, float32.
        labels_N: Class indices, int64.
        ids: The images' ids, N strings.
    """

    values_ND: Tensor
    labels_N: Tensor
    ids: tuple[str, ...]

    def save(self, file: Path) -> None:
        """Write an `.npz` with `features`, `labels` and `ids`; no pickle is needed to read it."""
        arrays: dict[str, NDArray[Any]] = {
            "features": self.values_ND.numpy(),
            "labels": self.labels_N.numpy(),
            "ids": np.array(self.ids, dtype=np.str_),
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, allow_pickle=False, **arrays)


@torch.inference_mode()
def compute_features(
    backbone: Backbone, images: ImageSet, how: Preprocessing, device: torch.device
) -> Features:
    """One forward pass over all images, without augmentation.

    Args:
        backbone: Pretrained, on any device; brought to `device`.
        images: Decoded as `how` says.
        how: Preprocessing.
        device: Where to compute.
    """
    backbone.to(device).eval()
    parts = [
        backbone.features(normalise(to_unit(pixels.to(device)), how)).float().cpu()
        for pixels in torch.split(images.pixels_NCHW, BATCH)
    ]
    # Out of inference mode, so that whoever reads them may compute with them.
    return Features(torch.cat(parts).clone(), images.labels_N, images.ids)
