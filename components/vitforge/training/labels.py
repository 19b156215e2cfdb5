"""Stored labels as a tensor."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def label_tensor(stored: Sequence[Any]) -> Tensor:
    """Class indices as int64; a multi-label row or a regression's value as float32, NaN unknown."""
    values = np.asarray(stored)
    whole = np.issubdtype(values.dtype, np.integer)
    return torch.from_numpy(values.astype(np.int64 if whole else np.float32))
