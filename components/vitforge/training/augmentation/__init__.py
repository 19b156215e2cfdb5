"""Random changes of training images, each drawn for its image alone."""

from vitforge.training.augmentation.augment import augment
from vitforge.training.augmentation.erasing import erase

__all__ = ["augment", "erase"]
