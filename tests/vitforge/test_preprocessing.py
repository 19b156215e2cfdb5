"""From image bytes to the model's input."""

import io

import numpy as np
import pytest
from PIL import Image

from vitforge.artifacts import Preprocessing
from vitforge.errors import VitforgeError
from vitforge.preprocessing import decode_image, to_array

PLAIN = Preprocessing(image_size=4, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_values_are_normalised_channels_first() -> None:
    image = Image.new("RGB", (4, 4), (255, 0, 51))
    array = to_array(decode_image(encoded(image)), PLAIN)
    assert array.shape == (3, 4, 4)
    assert array.dtype == np.float32
    np.testing.assert_allclose(array[:, 0, 0], [2.0, -2.0, -1.2], rtol=1e-6)


def test_exif_orientation_is_applied() -> None:
    image = Image.new("RGB", (2, 1))
    image.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: turn 90 degrees clockwise
    turned = decode_image(encoded(image, "PNG", exif=exif))
    assert turned.size == (1, 2)
    assert turned.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 128, (128, 128, 128)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 255), (0, 0, 0)),
        ("CMYK", (0, 0, 0, 255), (0, 0, 0)),
        ("I;16", 65535, (255, 255, 255)),
    ],
)
def test_every_mode_becomes_rgb(mode: str, colour: object, expected: tuple[int, ...]) -> None:
    kind = "TIFF" if mode in ("CMYK", "I;16") else "PNG"
    image = decode_image(encoded(Image.new(mode, (3, 3), colour), kind))  # type: ignore[arg-type]
    assert image.mode == "RGB"
    assert image.getpixel((1, 1)) == expected


def test_crop_keeps_the_centre_and_squash_keeps_all() -> None:
    image = Image.new("RGB", (8, 4), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 2, 4))
    crop = to_array(image, PLAIN.model_copy(update={"interpolation": "bilinear"}))
    squash = to_array(image, PLAIN.model_copy(update={"resize": "squash"}))
    assert crop.max() < 0 < squash.max()


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_no_image_is_told(content: bytes) -> None:
    with pytest.raises(VitforgeError, match=r"not an image|cannot be decoded"):
        decode_image(content)


def test_a_truncated_file_is_told() -> None:
    rng = np.random.default_rng(0)
    whole = encoded(Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)), "JPEG")
    with pytest.raises(VitforgeError, match="cannot be decoded"):
        decode_image(whole[: len(whole) // 2])


def test_too_many_pixels_are_refused_before_decoding() -> None:
    with pytest.raises(VitforgeError, match="over 50"):
        decode_image(encoded(Image.new("RGB", (10, 10))), max_pixels=50)
