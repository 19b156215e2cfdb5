"""Corruptions: ImageNet-C's 15 and 4 held-out ones, and other conditions, in five severities.

Source: Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261; parameters are those of its
published code at 224 pixels, lengths scaled with the picture at other sizes.
"""

from vitforge.evaluation.corruptions.catalogue import CORRUPTIONS, corrupt
from vitforge.evaluation.corruptions.corruption import Corruption

__all__ = ["CORRUPTIONS", "Corruption", "corrupt"]
