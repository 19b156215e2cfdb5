"""Scores of classes, from a confusion matrix or from ranked images."""

import torch
from torch import Tensor


def balanced_accuracy(confusion_KK: Tensor) -> float:
    """Mean recall of the classes that have images; rows are true classes."""
    there = confusion_KK.sum(1) > 0
    return (confusion_KK.diag()[there] / confusion_KK.sum(1)[there]).mean().item()


def macro_f1(confusion_KK: Tensor) -> float:
    """Mean F1 = 2TP / (2TP + FP + FN) of the classes that were there or were predicted."""
    total = confusion_KK.sum(0) + confusion_KK.sum(1)
    there = total > 0
    return (2 * confusion_KK.diag()[there] / total[there]).mean().item()


def quadratic_kappa(confusion_KK: Tensor) -> float:
    """Agreement beyond chance, a miss weighed by its squared distance, [-1, 1].

    Source: Cohen 1968, https://doi.org/10.1037/h0026256
    """
    at = torch.arange(len(confusion_KK), dtype=confusion_KK.dtype)
    distance_KK = (at[:, None] - at).square()
    chance_KK = torch.outer(confusion_KK.sum(1), confusion_KK.sum(0)) / confusion_KK.sum()
    by_chance = (distance_KK * chance_KK).sum()
    seen = (distance_KK * confusion_KK).sum()
    return 1.0 if by_chance == 0 else (1 - seen / by_chance).item()


def average_precision(scores_N: Tensor, positive_N: Tensor) -> float:
    """Precision averaged over the positives, from the highest score down; ties fall together.

    Args:
        scores_N: Higher is surer.
        positive_N: bool, at least one true.
    """
    order = scores_N.argsort(descending=True)
    ranked, hits = scores_N[order], positive_N[order].double().cumsum(0)
    last = torch.ones_like(ranked, dtype=torch.bool)
    last[:-1] = ranked[1:] != ranked[:-1]  # one point a distinct score
    found = hits[last]
    precision = found / (torch.arange(len(order)) + 1)[last]
    gained = torch.diff(found, prepend=torch.zeros(1, dtype=found.dtype))
    return ((precision * gained).sum() / hits[-1]).item()
