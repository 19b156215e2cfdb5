"""Settings of `prepare_data`."""

from pydantic import Field

from vitforge.config.section import AtLeastOne, Count, Fraction, Section


class DataConfig(Section):
    """How images become a split that can be trusted."""

    val_fraction: float = Field(default=0.1, gt=0.0, lt=0.5)
    """Share of all images for validation, (0, 0.5): early stopping and calibration look at it."""

    test_fraction: float = Field(default=0.2, gt=0.0, lt=0.5)
    """Share of all images held out for the final numbers, (0, 0.5); never seen while training."""

    calibration_images: Count = 128
    """Training images set apart for INT8 calibration, count; 0 switches static INT8 off."""

    min_images_per_class: int = Field(default=3, ge=3)
    """Fewest readable images a class may have, count: one for each of train, val and test."""

    max_dropped: Fraction = 0.01
    """Share of unreadable images above which the data is refused, [0, 1]."""

    max_pixels: AtLeastOne = 178_956_970
    """Largest image that is decoded, pixels; guards against decompression bombs."""

    version: str = ""
    """A word for the state of the data. The CLI fills in a digest of the files' names, sizes and
    times, so that changed data is prepared anew; on a cluster, change it to defeat the cache."""
