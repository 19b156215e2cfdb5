"""Random changes of training images, whole batches at a time, on the device."""

from vitforge.training.augmentation.augment import augment

__all__ = ["augment"]
