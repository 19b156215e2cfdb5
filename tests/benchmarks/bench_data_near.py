"""Near-duplicate search among 100,000 hashes on one core; recall and false alarms."""

import io
import os
import time

import numpy as np
from harness import keep
from PIL import Image, ImageDraw, ImageEnhance

from vitforge.data.look import THUMB, look_at
from vitforge.data.near import hash_thumbnails, near_duplicates, similar_hashes
from vitforge.data.thumbs import Thumbnails

HASHES, PICTURES, LIMIT = 100_000, 1_000, 20.0


def picture(random: np.random.Generator) -> Image.Image:
    """A 320 × 240 picture with the 1/f spectrum of photographs."""
    rows, columns = np.fft.fftfreq(240)[:, None], np.fft.fftfreq(320)[None]
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / 320)
    waves = np.fft.fft2(random.normal(size=(3, 240, 320)), axes=(1, 2)) * fall
    field = np.fft.ifft2(waves, axes=(1, 2)).real
    mixed = field[:1] + 0.35 * field[1:].repeat(2, 0)[:3]
    scaled = mixed / mixed.std() * 45 + 120
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8).transpose(1, 2, 0))


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """Its bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def crop(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """95 % of each side, anywhere."""
    width, height = int(image.width * 0.95), int(image.height * 0.95)
    x = int(random.integers(0, image.width - width + 1))
    y = int(random.integers(0, image.height - height + 1))
    return image.crop((x, y, x + width, y + height))


CHANGES = {
    "resize": lambda image, _: jpeg(image.resize((image.width // 2, image.height // 2))),
    "crop_5_percent": lambda image, random: jpeg(crop(image, random)),
    "jpeg_q40": lambda image, _: jpeg(image, 40),
    "brightness": lambda image, _: jpeg(ImageEnhance.Brightness(image).enhance(1.25)),
}


def search_seconds() -> tuple[float, int]:
    """Time to search hashes of thumbnails with the same spectrum, planted pairs among them."""
    random = np.random.default_rng(1)
    thumbs = Thumbnails()
    rows, columns = np.fft.fftfreq(THUMB)[:, None], np.fft.fftfreq(THUMB)[None]
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / THUMB)
    for _ in range(HASHES // 1000):
        waves = np.fft.fft2(random.normal(size=(1000, THUMB, THUMB))) * fall
        field = np.fft.ifft2(waves).real
        field = field / field.std(axis=(1, 2), keepdims=True) * 45 + 120
        for thumb in field.clip(0, 255).astype(np.uint8):
            thumbs.add(thumb.tobytes())
    began = time.perf_counter()
    hashes, _ = hash_thumbnails(thumbs, range(HASHES))
    candidates = sum(len(a) for _, a, _ in similar_hashes(hashes))
    return time.perf_counter() - began, candidates


def accuracy() -> dict[str, float]:
    """Recall of each change, and the share of pairs of different pictures called the same."""
    random = np.random.default_rng(0)
    thumbs, sides, source = Thumbnails(), [], []
    names = list(CHANGES)
    for index in range(PICTURES):
        original = picture(random)
        for number, content in enumerate(
            [jpeg(original), *(change(original, random) for change in CHANGES.values())]
        ):
            look, thumb = look_at(content, 10**9, 0.0)
            thumbs.add(thumb)
            sides.append(min(look.width, look.height))
            source.append((index, number))
    pairs = near_duplicates(thumbs, range(len(sides)), sides)
    found = {
        (source[a][0], max(source[a][1], source[b][1]))
        for a, b in pairs
        if source[a][0] == source[b][0] and min(source[a][1], source[b][1]) == 0
    }
    false = sum(source[a][0] != source[b][0] for a, b in pairs)
    recall = {
        f"recall_{name}": sum((index, number) in found for index in range(PICTURES)) / PICTURES
        for number, name in enumerate(names, 1)
    }
    return recall | {"false_pairs": false, "false_share_of_pairs": false / max(1, len(pairs))}


def false_circles() -> tuple[int, int]:
    """Pairs of different circles called the same, and how many circles were drawn."""
    random = np.random.default_rng(2)
    thumbs, drawn = Thumbnails(), set()
    while len(drawn) < PICTURES:
        x, y, radius = random.integers((16, 16, 8), (48, 48, 21)).tolist()
        if (x, y, radius) in drawn:
            continue
        drawn.add((x, y, radius))
        circle = Image.new("L", (64, 64), 20)
        ImageDraw.Draw(circle).ellipse([x - radius, y - radius, x + radius, y + radius], fill=220)
        thumbs.add(look_at(jpeg(circle), 10**9, 0.0)[1])
    return len(near_duplicates(thumbs, range(len(drawn)), [64] * len(drawn))), len(drawn)


def main() -> None:
    """Measure and keep."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    seconds, candidates = search_seconds()
    rates = accuracy()
    circles, drawn = false_circles()
    false_circle_share = circles / (drawn * (drawn - 1) / 2)
    recall = [value for name, value in rates.items() if name.startswith("recall")]
    keep(
        "data_near",
        ours=seconds,
        peer=LIMIT,
        goal="under 20 s, recall >= 0.95, false < 0.001",
        met=seconds < LIMIT
        and min(recall) >= 0.95
        and rates["false_share_of_pairs"] < 1e-3
        and false_circle_share < 1e-3,
        unit="s",
        peer_name="limit",
        hashes=HASHES,
        candidates=candidates,
        all_pairs=HASHES * (HASHES - 1) // 2,
        pictures=PICTURES,
        circles=drawn,
        false_circle_pairs=circles,
        **rates,
    )


if __name__ == "__main__":
    main()
