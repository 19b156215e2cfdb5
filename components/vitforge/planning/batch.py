"""Batches that hold images."""

from vitforge.errors import ConfigError


def check_batch(batch: int) -> None:
    """Refuse a batch without images.

    Raises:
        ConfigError: if `batch` is under 1.
    """
    if batch < 1:
        raise ConfigError(
            f"a batch of {batch} holds no image", mend="type a batch size of 1 or more, e.g. 64"
        )
