"""Colours against Pillow; geometry against whole-pixel moves that have one right answer."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from vitforge.artifacts import Preprocessing
from vitforge.config import AugmentationConfig
from vitforge.training.augmentation import augment, colour, geometry

HOW = Preprocessing(image_size=16, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
OFF = AugmentationConfig(randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0)


def picture(size: int = 24) -> Image.Image:
    rng = np.random.default_rng(0)
    ramp = np.linspace(20, 220, size)[None, :, None] + np.zeros((size, 1, 3))
    noisy = ramp + rng.normal(0, 15, (size, size, 3)) + [[[0, -15, 10]]]
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def batch(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


CASES = {
    "brightness": (colour.brightness, 0.6, lambda i: ImageEnhance.Brightness(i).enhance(0.6)),
    "brighter": (colour.brightness, 1.7, lambda i: ImageEnhance.Brightness(i).enhance(1.7)),
    "contrast": (colour.contrast, 1.6, lambda i: ImageEnhance.Contrast(i).enhance(1.6)),
    "saturation": (colour.saturation, 0.3, lambda i: ImageEnhance.Color(i).enhance(0.3)),
    "sharpness": (colour.sharpness, 1.9, lambda i: ImageEnhance.Sharpness(i).enhance(1.9)),
    "blur": (colour.sharpness, 0.1, lambda i: ImageEnhance.Sharpness(i).enhance(0.1)),
    "solarize": (colour.solarize, 128 / 255, lambda i: ImageOps.solarize(i, 128)),
    "posterize": (colour.posterize, 3.0, lambda i: ImageOps.posterize(i, 3)),
    "invert": (colour.invert, 0.0, ImageOps.invert),
    "autocontrast": (colour.autocontrast, 0.0, ImageOps.autocontrast),
    "equalize": (colour.equalize, 0.0, ImageOps.equalize),
}


@pytest.mark.parametrize("name", CASES)
def test_pillow_agrees(name: str) -> None:
    operation, value, pillow = CASES[name]
    image = picture()
    got = operation(batch(image), torch.tensor([value], dtype=torch.float32)) * 255
    want = batch(pillow(image)) * 255
    tolerance = 0.01 if name in ("posterize", "solarize", "invert", "equalize") else 2.0
    assert (got - want).abs().max().item() <= tolerance
    assert (want - batch(image) * 255).abs().max().item() > 10  # the operation does something


def test_values_belong_to_their_own_image() -> None:
    images = batch(picture()).repeat(2, 1, 1, 1)
    got = colour.brightness(images, torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(got[0], images[0])
    assert got[1].max() == 0


def test_a_flat_image_survives_every_colour() -> None:
    flat = torch.full((1, 3, 8, 8), 0.5)
    for name, (operation, value, _) in CASES.items():
        out = operation(flat, torch.tensor([value]))
        assert torch.isfinite(out).all(), name
        assert out.min() >= 0 and out.max() <= 1, name


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_geometry_with_one_right_answer() -> None:
    image = batch(picture(16))
    size = 16

    def moved(matrix: np.ndarray) -> torch.Tensor:
        return geometry.warp(image, matrix, size, fill_border=True)

    torch.testing.assert_close(moved(geometry.identity(1)), image)
    torch.testing.assert_close(moved(geometry.flip(np.array([True]))), image.flip(-1))
    quarter = moved(geometry.rotate(one(90)))
    torch.testing.assert_close(quarter, image.rot90(1, (2, 3)), atol=1e-5, rtol=0)
    shifted = moved(geometry.translate_x(one(2 / size)))
    torch.testing.assert_close(shifted[..., :-2], image[..., 2:], atol=1e-5, rtol=0)
    shifted = moved(geometry.translate_y(one(-3 / size)))
    torch.testing.assert_close(shifted[..., 3:, :], image[..., :-3, :], atol=1e-5, rtol=0)


def test_matrices_compose_in_the_order_of_the_moves() -> None:
    image = batch(picture(16))
    turn, shift = geometry.rotate(one(90)), geometry.translate_x(one(2 / 16))
    at_once = geometry.warp(image, turn @ shift, 16, fill_border=True)
    by_steps = geometry.warp(geometry.warp(image, turn, 16, True), shift, 16, True)
    torch.testing.assert_close(at_once, by_steps, atol=1e-4, rtol=0)
    other = geometry.warp(image, shift @ turn, 16, fill_border=True)
    assert (other - by_steps).abs().max() > 0.05


def test_uncovered_places() -> None:
    image = batch(picture(16))
    away = geometry.translate_x(one(2.0))
    filled = geometry.warp(image, away, 16, fill_border=False)
    torch.testing.assert_close(filled, image.mean((2, 3), keepdim=True).expand_as(image))


def test_crops_keep_their_share_and_stay_inside() -> None:
    m = geometry.crop(np.random.default_rng(0), 2000, 0.35)
    area = m[:, 0, 0] * m[:, 1, 1]
    assert area.max() <= 1 and area.min() > 0.3
    assert (np.abs(m[:, 0, 2]) + m[:, 0, 0]).max() <= 1 + 1e-9
    assert (np.abs(m[:, 1, 2]) + m[:, 1, 1]).max() <= 1 + 1e-9


def bytes_of(n: int, size: int = 16) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng(1).integers(0, 256, (n, 3, size, size), dtype=np.uint8)
    )


def test_all_off_is_normalising_only() -> None:
    pixels = bytes_of(3)
    got = augment(pixels, OFF, HOW, np.random.default_rng(0))
    mean, std = torch.tensor(HOW.mean)[:, None, None], torch.tensor(HOW.std)[:, None, None]
    torch.testing.assert_close(got, (pixels.float() / 255 - mean) / std)


@pytest.mark.parametrize("space", ["photo", "glyph"])
def test_same_seed_same_batch_and_each_image_its_own(space: str) -> None:
    config = AugmentationConfig.model_validate({"randaugment_space": space, "erasing": 0.5})
    pixels = bytes_of(1, 18).repeat(40, 1, 1, 1)
    first = augment(pixels, config, HOW, np.random.default_rng((0, 1, 2)))
    again = augment(pixels, config, HOW, np.random.default_rng((0, 1, 2)))
    other = augment(pixels, config, HOW, np.random.default_rng((0, 1, 3)))
    assert first.shape == (40, 3, 16, 16) and torch.isfinite(first).all()
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len({image.numpy().tobytes() for image in first}) == 40


def test_glyphs_are_never_mirrored_or_recoloured() -> None:
    config = OFF.model_copy(update={"randaugment_ops": 2, "randaugment_space": "glyph"})
    grey = bytes_of(200)[:, :1].repeat(1, 3, 1, 1)
    how = HOW.model_copy(update={"mean": (0.5,) * 3, "std": (0.5,) * 3})
    out = augment(grey, config, how, np.random.default_rng(0))
    torch.testing.assert_close(out[:, 0], out[:, 2])  # grey stays grey


def test_erasing_hits_its_share() -> None:
    config = OFF.model_copy(update={"erasing": 0.25})
    pixels = torch.zeros(800, 3, 16, 16, dtype=torch.uint8)
    out = augment(pixels, config, HOW, np.random.default_rng(0))
    plain = augment(pixels, OFF, HOW, np.random.default_rng(0))
    changed = (out != plain).any(1)
    assert changed.any((1, 2)).float().mean().item() == pytest.approx(0.25, abs=0.05)
    assert changed.float().mean((1, 2)).max().item() <= 0.42
