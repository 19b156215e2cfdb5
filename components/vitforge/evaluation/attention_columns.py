"""Attention statistics as columns of the predictions: seen in the one clean pass, judged later.

Shapes: N images, H heads of a layer.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from vitforge.evaluation.attention_watch import AttentionStatistics, LayerStatistics

ENTROPY, COSINE, TOKENS = "attention_entropy_", "attention_cosine_", "attention_tokens_"
"""Starts of the columns' names; the layer follows, from 1."""


def to_columns(found: AttentionStatistics) -> dict[str, NDArray[np.float32]]:
    """Of each layer: `attention_entropy_1`, nats, shape (N, H); `attention_cosine_1`, mean over
    pairs of heads, shape (N,); `attention_tokens_1`, keys that a query sees, shape (N,)."""
    columns = {}
    for place, layer in enumerate(found.layers, 1):
        entropy_NH = np.asarray(layer.entropy_NH.float().numpy())
        columns[f"{ENTROPY}{place}"] = entropy_NH
        columns[f"{COSINE}{place}"] = np.asarray(layer.cosine_N.float().numpy())
        columns[f"{TOKENS}{place}"] = np.full(len(entropy_NH), layer.tokens, np.float32)
    return columns


def from_columns(columns: Mapping[str, NDArray[np.float32]]) -> AttentionStatistics:
    """What `to_columns` wrote; no layers where there are no such columns."""
    layers: list[LayerStatistics] = []
    while f"{ENTROPY}{len(layers) + 1}" in columns:
        place = len(layers) + 1
        layers.append(
            LayerStatistics(
                int(columns[f"{TOKENS}{place}"][0]),
                torch.from_numpy(columns[f"{ENTROPY}{place}"]),
                torch.from_numpy(columns[f"{COSINE}{place}"]),
            )
        )
    return AttentionStatistics(tuple(layers))
