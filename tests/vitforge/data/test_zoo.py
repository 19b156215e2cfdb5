"""Files as people have them: each has one right answer, and none is lost without a word."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitforge.artifacts import DATASET_FILE, DatasetInfo
from vitforge.config import DataConfig
from vitforge.data.look import THUMB, look_at
from vitforge.data.prepare import prepare
from vitforge.errors import VitforgeError
from vitforge.splits import open_split
from vitforge.tracking import StepRun

RED, LIMIT = (200, 30, 40), 30_000_000
FIELD = np.random.default_rng(5).integers(0, 256, (24, 36, 3), dtype=np.uint8)


def _save(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _rgb(size: tuple[int, int] = (36, 24), colour=RED) -> Image.Image:
    return Image.new("RGB", size, colour)


JPEG, PNG = _save(_rgb(), "JPEG"), _save(_rgb(), "PNG")
NOISE_JPEG = _save(Image.fromarray(FIELD), "JPEG", quality=95)
NOISE_PNG = _save(Image.fromarray(FIELD), "PNG")


def _turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _save(_rgb(), "JPEG", exif=exif)


def _alpha() -> bytes:
    return _save(Image.new("RGBA", (36, 24), (0, 0, 0, 0)), "PNG")


def _palette(transparent: bool) -> bytes:
    image = Image.new("P", (36, 24), 1)
    image.putpalette([0, 0, 0, *RED])
    return _save(image, "PNG", **({"transparency": 1} if transparent else {}))


def _sixteen_bit(value: int) -> bytes:
    return _save(Image.fromarray(np.full((24, 36), value, dtype=np.uint16)), "PNG")


def _tiff(value: int, kind: type) -> bytes:
    return _save(Image.fromarray(np.full((24, 36), value, dtype=kind)), "TIFF")


def _animation() -> bytes:
    return _save(_rgb(), "GIF", save_all=True, append_images=[_rgb(colour=(0, 0, 255))])


def _bomb() -> bytes:
    """A PNG of a few bytes that says it has 30,000 × 30,000 pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def _bad_checksum() -> bytes:
    broken = bytearray(NOISE_PNG)
    broken[-20] ^= 0xFF
    return bytes(broken)


WHITE, GREY = (255, 255, 255), (128, 128, 128)
# What reads: name, bytes, size upright, mean colour (None where it is not to be told by hand).
READS: list[tuple[str, bytes, tuple[int, int], tuple[int, int, int] | None]] = [
    ("plain.jpg", JPEG, (36, 24), RED),
    ("plain.png", PNG, (36, 24), RED),
    ("upper.JPG", JPEG, (36, 24), RED),
    ("jpeg-called.png", JPEG, (36, 24), RED),
    ("png-called.jpg", PNG, (36, 24), RED),
    ("no-suffix", PNG, (36, 24), RED),
    ("exif-2-mirrored.jpg", _turned(2), (36, 24), RED),
    ("exif-3-upside-down.jpg", _turned(3), (36, 24), RED),
    ("exif-6-on-its-side.jpg", _turned(6), (24, 36), RED),
    ("exif-8-on-its-side.jpg", _turned(8), (24, 36), RED),
    ("cmyk.jpg", _save(_rgb().convert("CMYK"), "JPEG"), (36, 24), RED),
    ("grey.jpg", _save(_rgb(colour=GREY).convert("L"), "JPEG"), (36, 24), GREY),
    ("grey.png", _save(_rgb(colour=GREY).convert("L"), "PNG"), (36, 24), GREY),
    ("one-bit.png", _save(Image.new("1", (36, 24), 1), "PNG"), (36, 24), WHITE),
    ("grey-alpha.png", _save(Image.new("LA", (36, 24), (0, 0)), "PNG"), (36, 24), WHITE),
    ("transparent.png", _alpha(), (36, 24), WHITE),
    ("palette.png", _palette(False), (36, 24), RED),
    ("palette-transparent.png", _palette(True), (36, 24), WHITE),
    ("sixteen-bit.png", _sixteen_bit(32768), (36, 24), (127, 127, 127)),
    ("sixteen-bit-dark.png", _sixteen_bit(1000), (36, 24), (3, 3, 3)),
    ("sixteen-bit.tif", _tiff(32768, np.uint16), (36, 24), (127, 127, 127)),
    ("float.tif", _tiff(128, np.float32), (36, 24), GREY),
    ("lzw.tif", _save(_rgb(), "TIFF", compression="tiff_lzw"), (36, 24), RED),
    ("still.gif", _save(_rgb(), "GIF"), (36, 24), RED),
    ("animated.gif", _animation(), (36, 24), RED),
    ("lossy.webp", _save(_rgb(), "WEBP"), (36, 24), RED),
    ("lossless.webp", _save(_rgb(), "WEBP", lossless=True), (36, 24), RED),
    ("bitmap.bmp", _save(_rgb(), "BMP"), (36, 24), RED),
    ("portable.ppm", _save(_rgb(), "PPM"), (36, 24), RED),
    ("progressive.jpg", _save(_rgb(), "JPEG", progressive=True), (36, 24), RED),
    ("one-wide.png", _save(_rgb((1, 300)), "PNG"), (1, 300), RED),
    ("one-high.jpg", _save(_rgb((300, 1)), "JPEG"), (300, 1), RED),
    ("one-pixel.png", _save(_rgb((1, 1)), "PNG"), (1, 1), RED),
    ("panorama.jpg", _save(_rgb((20_000, 40)), "JPEG"), (20_000, 40), RED),
    ("black.png", _save(_rgb(colour=(0, 0, 0)), "PNG"), (36, 24), (0, 0, 0)),
    ("trailing-bytes.jpg", JPEG + b"\0" * 500, (36, 24), RED),
    ("spaces and ü.png", PNG, (36, 24), RED),
]  # fmt: skip
# What does not: name, bytes, a part of the reason that is given.
LOST: list[tuple[str, bytes, str]] = [
    ("empty.jpg", b"", "not an image"),
    ("half.jpg", NOISE_JPEG[: len(NOISE_JPEG) // 2], "truncated"),
    ("half.png", NOISE_PNG[: len(NOISE_PNG) // 2], "truncated"),
    ("head-only.jpg", NOISE_JPEG[:100], "cannot be decoded|not an image"),
    ("checksum.png", _bad_checksum(), "cannot be decoded"),
    ("page.jpg", b"<html>404</html>", "not an image"),
    ("words.png", b"hello", "not an image"),
    ("zeros.jpg", b"\0" * 4096, "not an image"),
    ("vector.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not an image"),
    ("film.jpg", b"\0\0\0\x18ftypmp42" + b"\0" * 64, "not an image"),
    ("bomb.png", _bomb(), "900000000 pixels"),
    ("too-large.png", _save(Image.new("1", (6000, 6000)), "PNG"), "36,000,000 pixels"),
    ("pointer.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "not an image"),
    ("fake.dcm", b"\0" * 128 + b"NOPE", "not a DICOM file"),
]


def test_there_are_enough_kinds() -> None:
    assert len(READS) + len(LOST) >= 40


@pytest.mark.parametrize(
    ("name", "content", "size", "colour"), READS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_what_reads_reads_upright_and_in_its_colours(name, content, size, colour) -> None:
    for share in (0.0, 1.0):  # by way of the quick look, and exactly
        look, thumb = look_at(content, LIMIT, share)
        assert (look.width, look.height) == size
        assert len(thumb) == THUMB * THUMB
    assert look.pixels == size[0] * size[1]
    mean = [value / look.pixels for value in look.sums]
    assert mean == pytest.approx(colour, abs=4)


def _fill(root: Path, write: Callable[[Path], None]) -> Path:
    """Two classes of good pictures, and the zoo in one of them."""
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for index in range(20):
            pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"good-{index}.png")
    write(root / "cat")
    return root


def test_the_whole_zoo_at_once(tmp_path: Path, run: StepRun) -> None:
    def write(folder: Path) -> None:
        for name, content, *_ in [*READS, *LOST]:
            (folder / name).write_bytes(content)
        for name in ("._plain.jpg", ".DS_Store", "Thumbs.db"):
            (folder / name).write_bytes(b"x")
        (folder / "notes.txt").write_text("x")
        (folder / "gone.png").symlink_to(folder / "nowhere.png")

    root = _fill(tmp_path / "zoo", write)
    info = prepare(
        str(root), 0, DataConfig(max_dropped=0.5, max_pixels=LIMIT), tmp_path / "out", run
    )
    kept = {
        name
        for split in ("train", "val", "test")
        for name in open_split(tmp_path / "out", split)["id"]
    }
    lost = {
        image.path: image.reason
        for image in DatasetInfo.load(tmp_path / "out" / DATASET_FILE).dropped
    }
    everything = {f"cat/{name}" for name, *_ in [*READS, *LOST]} | {"cat/notes.txt", "cat/gone.png"}
    everything |= {f"{name}/good-{index}.png" for name in ("cat", "dog") for index in range(20)}
    assert kept | lost.keys() == everything
    assert not kept & lost.keys()
    assert {f"cat/{name}" for name, *_ in READS} <= kept
    for name, _, reason in LOST:
        assert any(part in lost[f"cat/{name}"] for part in reason.split("|")), lost[f"cat/{name}"]
    assert lost["cat/notes.txt"] == "not an image file"
    assert "No such file" in lost["cat/gone.png"]
    assert info.sizes["train"] + info.sizes["val"] + info.sizes["test"] == len(kept)


def test_more_than_one_percent_dropped_is_a_failure(tmp_path: Path, run: StepRun) -> None:
    root = _fill(
        tmp_path / "zoo", lambda folder: (folder / "half.jpg").write_bytes(LOST[1][1]) and None
    )
    with pytest.raises(VitforgeError, match=r"1 of 41 images cannot be read, over 1\.0%"):
        prepare(str(root), 0, DataConfig(), tmp_path / "out", run)


def test_a_picture_that_changes_in_a_byte_changes_the_fingerprint(
    tmp_path: Path, run: StepRun
) -> None:
    root = _fill(tmp_path / "zoo", lambda folder: None)
    before = prepare(str(root), 0, DataConfig(), tmp_path / "out", run).fingerprint
    root.rename(tmp_path / "moved")
    root = tmp_path / "moved"
    assert prepare(str(root), 0, DataConfig(), tmp_path / "out", run).fingerprint == before
    content = (root / "cat" / "good-0.png").read_bytes()
    (root / "cat" / "good-0.png").write_bytes(content + b"\0")
    assert prepare(str(root), 0, DataConfig(), tmp_path / "out", run).fingerprint != before
