"""Nearest neighbours on frozen features: what a pretrained backbone knows before training."""

import torch
from torch import Tensor
from torch.nn import functional as F

NEIGHBOURS = 10


def neighbours_correct(features_ND: Tensor, labels_N: Tensor) -> Tensor:
    """Which images their nearest neighbours by cosine name rightly, each image left out itself.

    Equal votes go to the lower class index.

    Args:
        features_ND: Frozen features, float; two images or more.
        labels_N: Class indices, int64.

    Returns:
        bool, shape (N,).
    """
    unit_ND = F.normalize(features_ND, dim=1)
    alike_NN = unit_ND @ unit_ND.T
    alike_NN.fill_diagonal_(-torch.inf)
    nearest_NK = alike_NN.topk(min(NEIGHBOURS, len(unit_ND) - 1), dim=1).indices
    votes_NC = F.one_hot(labels_N[nearest_NK], int(labels_N.max()) + 1).sum(dim=1)
    return votes_NC.argmax(dim=1) == labels_N
