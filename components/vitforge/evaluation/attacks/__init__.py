"""Attacks by gradient inside a box of radius ε around each image (L∞), pixels in [0, 1].

An attack is a function of (logits of pixels, pixels, labels, ε, steps, generator) to pixels.
"""

from vitforge.evaluation.attacks.apgd import apgd
from vitforge.evaluation.attacks.fgsm import fgsm
from vitforge.evaluation.attacks.pgd import pgd

__all__ = ["apgd", "fgsm", "pgd"]
