"""The one way from an image file to a model's input, shared by training, calibration and serving.

Needs only NumPy and Pillow, so that a server and a light step need no torch.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from vitforge.artifacts import Preprocessing
from vitforge.errors import VitforgeError

MAX_PIXELS = 178_956_970
_RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def decode_image(
    source: bytes | Path, max_pixels: int = MAX_PIXELS, at_least: int = 0
) -> Image.Image:
    """Decode an image file to upright RGB.

    EXIF orientation is applied, transparency is laid on white, 16-bit greys are scaled to 8, and
    of an animation the first frame is taken.

    Args:
        source: The file's bytes, or its path.
        max_pixels: Largest image that is decoded, pixels.
        at_least: Above 0, a JPEG may come back at 1/2, 1/4 or 1/8 of its size, both sides having
            this many pixels still: far cheaper where only an impression is needed.

    Raises:
        VitforgeError: if the bytes are no image, are cut short, or hold too many pixels.
    """
    with open_image(source, max_pixels) as image:
        if at_least:
            image.draft(None, (at_least, at_least))
        return to_rgb(image)


@contextmanager
def open_image(source: bytes | Path, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image file whose pixels are read inside; arguments and errors as above."""
    where = str(source) if isinstance(source, Path) else ""
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            if image.width * image.height > max_pixels:
                raise VitforgeError(
                    f"the image has {image.width * image.height:,} pixels, over {max_pixels:,}",
                    where=where,
                    mend="shrink the image, or raise data.max_pixels",
                )
            yield image
    except UnidentifiedImageError:
        raise VitforgeError("the file is not an image", where=where) from None
    except Image.DecompressionBombError as error:
        raise VitforgeError(str(error), where=where, mend="shrink the image") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise VitforgeError(f"the image cannot be decoded: {error}", where=where) from None


def upright(image: Image.Image) -> Image.Image:
    """Read an open image's pixels, and turn them as EXIF says."""
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return image


def to_rgb(image: Image.Image) -> Image.Image:
    """Read an open image's pixels: upright, without transparency, 8 bits; RGB, in a new image
    unless it is RGB already."""
    image = upright(image)
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        values = np.asarray(image, dtype=np.float32)
        top = 65535.0 if values.max(initial=0.0) > 255 else 255.0
        image = Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = image.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(white, over).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def resize_image(image: Image.Image, how: Preprocessing) -> Image.Image:
    """Bring an RGB image to `image_size` on both sides, as `how.resize` says."""
    size, resampling = how.image_size, _RESAMPLING[how.interpolation]
    if how.resize == "squash":
        return image.resize((size, size), resampling)
    return ImageOps.fit(image, (size, size), resampling)


def to_array(image: Image.Image, how: Preprocessing) -> NDArray[np.float32]:
    """Resize and normalise an RGB image.

    Returns:
        float32, shape (3, image_size, image_size), channels first.
    """
    pixels = np.asarray(resize_image(image, how), dtype=np.float32) / 255.0
    mean = np.asarray(how.mean, dtype=np.float32)
    std = np.asarray(how.std, dtype=np.float32)
    return np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1), dtype=np.float32)
