"""Cross entropy against soft targets, and how they are made."""

import torch
from torch import Tensor
from torch.nn import functional as F


def smooth_targets(labels_N: Tensor, classes: int, smoothing: float) -> Tensor:
    """One-hot targets with part of the mass spread over all classes.

    Args:
        labels_N: Class indices in [0, classes), int64.
        classes: Number of classes K.
        smoothing: Mass taken from the right class and spread evenly, [0, 1).

    Returns:
        float32, shape (N, K); rows sum to 1; the right class has 1 - smoothing + smoothing / K.

    Source: Szegedy et al. 2016, https://arxiv.org/abs/1512.00567
    """
    return F.one_hot(labels_N, classes).float() * (1 - smoothing) + smoothing / classes


def soft_cross_entropy(logits_NK: Tensor, targets_NK: Tensor) -> Tensor:
    """Mean cross entropy against soft targets, computed in float32; nats, scalar."""
    log_probs_NK = torch.log_softmax(logits_NK.float(), dim=-1)
    return -(targets_NK * log_probs_NK).sum(dim=-1).mean()
