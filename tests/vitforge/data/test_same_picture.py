"""Simple drawings that differ are no copies of one another; one that is saved again is."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from vitforge.data.look import look_at
from vitforge.data.near import near_duplicates
from vitforge.data.thumbs import Thumbnails

Random = np.random.Generator


def _circles(random: Random, side: int = 64) -> list[Image.Image]:
    pictures = []
    for _ in range(150):
        picture = Image.new("RGB", (side, side), (20, 20, 30))
        x, y = random.integers(side // 4, 3 * side // 4, 2).tolist()
        r = int(random.integers(side // 8, side // 3))
        fill = (220, 60, 40) if random.random() < 0.5 else (230, 230, 230)
        ImageDraw.Draw(picture).ellipse([x - r, y - r, x + r, y + r], fill=fill)
        pictures.append(picture)
    return pictures


def _large_circles(random: Random) -> list[Image.Image]:
    return _circles(random, 224)


def _noisy_circles(random: Random) -> list[Image.Image]:
    return [
        Image.fromarray(
            (np.asarray(circle) + random.normal(0, 15, (64, 64, 3))).clip(0, 255).astype(np.uint8)
        )
        for circle in _circles(random)
    ]


def _glyphs(_: Random) -> list[Image.Image]:
    pictures = []
    font = ImageFont.load_default(size=44)
    for code in range(33, 127):
        picture = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(picture).text((32, 32), chr(code), "black", font, anchor="mm")
        pictures.append(picture)
    return pictures


def _bar_charts(random: Random) -> list[Image.Image]:
    pictures = []
    for _ in range(100):
        picture = Image.new("RGB", (200, 200), "white")
        draw = ImageDraw.Draw(picture)
        for bar, height in enumerate(random.integers(10, 160, 6).tolist()):
            draw.rectangle([20 + 26 * bar, 180 - height, 40 + 26 * bar, 180], (50, 90, 160))
        pictures.append(picture)
    return pictures


def _icons(random: Random) -> list[Image.Image]:
    pictures = []
    for _ in range(100):
        picture = Image.new("RGB", (96, 96), "white")
        draw = ImageDraw.Draw(picture)
        for shape in (draw.rectangle, draw.ellipse):
            left, right = sorted(random.integers(8, 88, 2).tolist())
            top, bottom = sorted(random.integers(8, 88, 2).tolist())
            shape([left, top, right, bottom], fill=tuple(random.integers(0, 200, 3).tolist()))
        pictures.append(picture)
    return pictures


def _gradients(random: Random) -> list[Image.Image]:
    y, x = np.mgrid[:128, :128] / 128
    pictures = []
    for _ in range(100):
        turn, low, high = random.uniform(0, 2 * np.pi), *random.uniform((0, 150), (80, 255))
        slope = x * np.cos(turn) + y * np.sin(turn)
        slope = (slope - slope.min()) / np.ptp(slope)
        pictures.append(Image.fromarray((low + slope * (high - low)).astype(np.uint8)))
    return pictures


def _chests(random: Random) -> list[Image.Image]:
    """Two dark lungs in grey, a light spine between: all of one shape, as X-rays are."""
    y, x = np.mgrid[:128, :128] / 128
    pictures = []
    for _ in range(60):
        field = 150 + 60 * np.exp(-(((x - 0.5 - random.normal(0, 0.01)) / 0.06) ** 2))
        for centre in (0.3, 0.7):
            a, b, c, d = random.normal(0, 0.02, 4)
            inside = ((x - centre - a) / (0.13 + b)) ** 2 + ((y - 0.45 - c) / (0.25 + d)) ** 2
            field -= 90 * np.exp(-(inside**2))
        tissue = Image.fromarray(random.normal(0, 12, (12, 12)).astype(np.float32))
        field += np.asarray(tissue.resize((128, 128), Image.Resampling.BICUBIC))
        field += random.normal(0, 4, field.shape)
        pictures.append(Image.fromarray(field.clip(0, 255).astype(np.uint8)))
    return pictures


def _digits(side: int) -> list[Image.Image]:
    from sklearn.datasets import load_digits

    filter_ = Image.Resampling.BICUBIC
    greys = (Image.fromarray((image * 15.9375).astype(np.uint8)) for image in load_digits().images)
    return [grey if side == 8 else grey.resize((side, side), filter_) for grey in greys]


def _saved(picture: Image.Image, kind: str = "PNG", quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=quality)
    return buffer.getvalue()


def _pairs(contents: list[bytes]) -> list[tuple[int, int]]:
    thumbs, sides = Thumbnails(), []
    for content in contents:
        look, thumb = look_at(content, 10**9, 0.0)
        thumbs.add(thumb)
        sides.append(min(look.width, look.height))
    return near_duplicates(thumbs, range(len(contents)), sides)


def _distinct(pictures: list[Image.Image]) -> list[Image.Image]:
    return list({picture.tobytes(): picture for picture in pictures}.values())


@pytest.mark.parametrize(
    "draw",
    [_circles, _large_circles, _noisy_circles, _glyphs, _bar_charts, _icons, _gradients, _chests],
)
def test_different_drawings_are_no_copies(draw: Callable[[Random], list[Image.Image]]) -> None:
    pictures = _distinct(draw(np.random.default_rng(0)))
    assert _pairs([_saved(picture) for picture in pictures]) == []


@pytest.mark.parametrize("side", [8, 64])
def test_digits_that_look_alike_are_no_copies(side: int) -> None:
    pictures = _distinct(_digits(side))[:900]
    assert _pairs([_saved(picture) for picture in pictures]) == []


@pytest.mark.parametrize("draw", [_circles, _glyphs, _bar_charts, _chests])
def test_a_drawing_saved_again_is_found(draw: Callable[[Random], list[Image.Image]]) -> None:
    pictures = _distinct(draw(np.random.default_rng(1)))[-60:]
    again = [_saved(picture.convert("RGB"), "JPEG", 40) for picture in pictures]
    pairs = _pairs([_saved(picture) for picture in pictures] + again)
    copies = {(n, n + len(pictures)) for n in range(len(pictures))}
    assert len(copies & set(pairs)) >= 0.95 * len(copies)
    assert len(set(pairs) - copies) <= 1


def test_a_picture_full_of_detail_may_be_brighter_and_cropped_at_once() -> None:
    random = np.random.default_rng(2)
    contents = []
    for picture in _chests(random)[:20]:
        changed = picture.crop((4, 2, 126, 124)).resize((90, 90))
        contents += [_saved(picture), _saved(ImageEnhance.Brightness(changed).enhance(1.2), "JPEG")]
    assert _pairs(contents) == [(n, n + 1) for n in range(0, 40, 2)]
