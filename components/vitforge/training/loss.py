"""Losses, summed over the images, and soft targets."""

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


def soft_cross_entropy_sum(
    logits_NK: Tensor, targets_NK: Tensor, weights_K: Tensor | None = None
) -> Tensor:
    """Cross entropy against soft targets, summed over the images, in float32; nats, scalar."""
    log_probs_NK = torch.log_softmax(logits_NK.float(), dim=-1)
    if weights_K is not None:
        targets_NK = targets_NK * weights_K.to(targets_NK.device)
    return -(targets_NK * log_probs_NK).sum(dim=-1).sum()


def soft_cross_entropy(logits_NK: Tensor, targets_NK: Tensor) -> Tensor:
    """Mean cross entropy against soft targets, computed in float32; nats, scalar."""
    return soft_cross_entropy_sum(logits_NK, targets_NK) / len(targets_NK)


def masked_bce_sum(
    logits_NO: Tensor, targets_NO: Tensor, weights_O: Tensor | None = None
) -> Tensor:
    """Binary cross entropy of each output, summed over the targets that are known.

    Args:
        logits_NO: Raw outputs.
        targets_NO: [0, 1]; NaN is unknown: neither loss nor gradient.
        weights_O: Factor on the positives' part; None is 1.
    """
    known_NO = targets_NO.isfinite()
    weights = None if weights_O is None else weights_O.to(logits_NO.device)
    each_NO = F.binary_cross_entropy_with_logits(
        logits_NO.float(), targets_NO.nan_to_num(), pos_weight=weights, reduction="none"
    )
    return each_NO.masked_fill(~known_NO, 0).sum()


def asymmetric_sum(
    logits_NO: Tensor,
    targets_NO: Tensor,
    gamma_negative: float = 4.0,
    gamma_positive: float = 0.0,
    margin: float = 0.05,
) -> Tensor:
    """Asymmetric loss: easy negatives count little, and none below the margin.

    Args:
        logits_NO: Raw outputs.
        targets_NO: [0, 1]; NaN is unknown: neither loss nor gradient.
        gamma_negative: Focus on hard negatives; the paper takes 4.
        gamma_positive: Focus on hard positives; the paper takes 0.
        margin: Probability by which negatives are shifted down, [0, 1).

    Source: Ridnik et al. 2021, https://arxiv.org/abs/2009.14119
    """
    known_NO = targets_NO.isfinite()
    targets_NO = targets_NO.nan_to_num()
    chance_NO = logits_NO.float().sigmoid()
    absent_NO = (1 - chance_NO + margin).clamp(max=1)
    log_likelihood_NO = targets_NO * chance_NO.clamp(min=1e-8).log()
    log_likelihood_NO = log_likelihood_NO + (1 - targets_NO) * absent_NO.clamp(min=1e-8).log()
    right_NO = chance_NO * targets_NO + absent_NO * (1 - targets_NO)
    gamma_NO = gamma_positive * targets_NO + gamma_negative * (1 - targets_NO)
    each_NO = -log_likelihood_NO * (1 - right_NO) ** gamma_NO
    return each_NO.masked_fill(~known_NO, 0).sum()
