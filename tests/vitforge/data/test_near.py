import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from vitforge.data.look import look_at
from vitforge.data.near import near_duplicates, similar_hashes
from vitforge.data.thumbs import Thumbnails


def _picture(seed: int) -> Image.Image:
    """Random shapes large and small, as photographs have them."""
    random = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(random.integers(0, 256, (n, n), dtype=np.uint8)).resize(
                (320, 240), Image.Resampling.BICUBIC
            ),
            dtype=float,
        )
        for n in (3, 6, 12, 24, 48)
    ]
    field = sum(layer / 2**k for k, layer in enumerate(layers))
    field = (field - field.mean()) / field.std() * 45 + 120
    return Image.fromarray(field.clip(0, 255).astype(np.uint8)).convert("RGB")


def _jpeg(image: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _pairs(contents: list[bytes]) -> list[tuple[int, int]]:
    thumbs, sides = Thumbnails(), []
    for content in contents:
        look, thumb = look_at(content, 10**9, 0.0)
        thumbs.add(thumb)
        sides.append(min(look.width, look.height))
    return near_duplicates(thumbs, range(len(contents)), sides)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: _jpeg(p.resize((150, 113))),
        lambda p: _jpeg(p, 40),
        lambda p: _jpeg(ImageEnhance.Brightness(p).enhance(1.2)),
        lambda p: _jpeg(p.crop((0, 0, 304, 228))),
        lambda p: _jpeg(p.crop((8, 6, 312, 234))),
        lambda p: _jpeg(p.crop((16, 3, 320, 231))),
    ],
    ids=["resized", "jpeg-40", "brighter", "cropped-corner", "cropped-middle", "cropped-edge"],
)
def test_the_same_picture_is_found_and_no_other(change) -> None:
    pictures = [_picture(seed) for seed in range(20)]
    contents = [_jpeg(p) for p in pictures] + [change(p) for p in pictures]
    pairs = _pairs(contents)
    assert set(pairs) <= {(n, n + 20) for n in range(20)}  # no other picture
    assert len(pairs) >= 19


def test_a_tiny_picture_saved_again_is_found() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    other = pixels.copy()
    other[0, 0] ^= 1
    contents = []
    for array in (pixels, other, pixels[::-1]):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "PNG")
        contents.append(buffer.getvalue())
    assert _pairs(contents) == [(0, 1)]


def test_the_search_finds_what_comparing_all_pairs_finds() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**63, 3000, dtype=np.uint64)
    for row in range(0, 3000, 10):  # plant neighbours of 0 to 9 bits
        flips = random.choice(64, row // 10 % 10, replace=False)
        hashes[row + 1] = hashes[row] ^ np.bitwise_or.reduce(
            np.uint64(1) << flips.astype(np.uint64), initial=np.uint64(0)
        )
    distances = np.bitwise_count(hashes[:, None] ^ hashes[None])
    wanted = {(a, b) for a, b in np.argwhere(distances <= 7).tolist() if a < b}
    found = {
        (int(a), int(b))
        for _, first, second in similar_hashes(hashes[None])
        for a, b in zip(first, second, strict=True)
    }
    assert found == wanted
    assert len(wanted) >= 240


def test_flat_pictures_have_nothing_to_compare() -> None:
    shades = [_jpeg(Image.new("RGB", (64, 64), (n, n, n))) for n in (90, 91, 200)]
    assert _pairs(shades) == []
