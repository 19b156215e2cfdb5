"""Colours against Pillow; geometry against torchvision and against moves with one right answer."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch.nn import functional as F

from vitforge.config import AugmentationConfig
from vitforge.training.augmentation import augment, colour, erase, geometry
from vitforge.training.augmentation.draws import normal, uniforms

OFF = AugmentationConfig(randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0)


def picture(size: int = 24) -> Image.Image:
    rng = np.random.default_rng(0)
    ramp = np.linspace(20, 220, size)[None, :, None] + np.zeros((size, 1, 3))
    noisy = ramp + rng.normal(0, 15, (size, size, 3)) + [[[0, -15, 10]]]
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


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


EXACT = ("brightness", "brighter", "posterize", "solarize", "invert", "equalize")


@pytest.mark.parametrize("name", CASES)
def test_pillow_agrees(name: str) -> None:
    operation, value, pillow = CASES[name]
    image = picture()
    got = operation(np.array(image), value).astype(int)
    want = np.array(pillow(image)).astype(int)
    assert np.abs(got - want).max() <= (0 if name in EXACT else 1)
    assert np.abs(want - np.array(image)).max() > 10  # the operation does something


def test_solarize_add_brightens_the_dark_half() -> None:
    levels = np.tile(np.array([0, 100, 127, 128, 255], np.uint8)[None, :, None], (4, 1, 3))
    got = colour.solarize_add(levels, 110 / 255)
    assert got[0, :, 0].tolist() == [110, 210, 237, 128, 255]


def test_a_flat_image_survives_every_colour() -> None:
    flat = np.full((8, 8, 3), 128, np.uint8)
    for name, (operation, value, _) in CASES.items():
        out = operation(flat, value)
        assert out.shape == flat.shape and out.dtype == np.uint8, name
        assert (out == out[0, 0]).all(), name


def one(value: float) -> np.ndarray:
    return np.array([value])


def moved(image: np.ndarray, matrix: np.ndarray, size: int, fill_border: bool = True) -> np.ndarray:
    pixel_map = geometry.to_pixels(matrix, len(image), size)[0]
    return geometry.warp(image, pixel_map, size, fill_border).astype(int)


def test_geometry_with_one_right_answer() -> None:
    image = np.array(picture(16))
    assert (moved(image, geometry.identity(1), 16) == image).all()
    assert (moved(image, geometry.flip(np.array([True])), 16) == image[:, ::-1]).all()
    assert (moved(image, geometry.rotate(one(90)), 16) == np.rot90(image)).all()
    shifted = moved(image, geometry.translate_x(one(2 / 16)), 16)
    assert (shifted[:, :-2] == image[:, 2:]).all()
    shifted = moved(image, geometry.translate_y(one(-3 / 16)), 16)
    assert (shifted[3:] == image[:-3]).all()


MOVES = {
    "rotate": geometry.rotate(one(17.0)),
    "shear": geometry.shear_x(one(0.2)) @ geometry.shear_y(one(-0.1)),
    "crop": geometry.crop(np.array([[0.2, 0.7, 0.3, 0.6]]), 0.35),
}


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("fill_border", [True, False])
def test_torch_agrees_on_geometry(name: str, fill_border: bool) -> None:
    """`grid_sample` on floats is the oracle; OpenCV places pixels to a 32nd."""
    image = np.array(picture(48))
    floats = torch.from_numpy(image).permute(2, 0, 1)[None].double()
    theta = torch.from_numpy(MOVES[name][:, :2])
    grid = F.affine_grid(theta, [1, 3, 40, 40], align_corners=False)
    if fill_border:
        want = F.grid_sample(floats, grid, padding_mode="border", align_corners=False)
    else:
        mean = floats.mean((2, 3), keepdim=True)
        want = F.grid_sample(floats - mean, grid, align_corners=False) + mean
    got = moved(image, MOVES[name], 40, fill_border)
    gap = np.abs(got - want[0].permute(1, 2, 0).numpy())
    inside = gap[4:-4, 4:-4]
    assert inside.max() <= 3 and gap.mean() < 0.6


def test_torchvision_agrees_on_rotation() -> None:
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as tv

    image = np.array(picture(48))
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    want = tv.rotate(tensor, -17.0, interpolation=InterpolationMode.BILINEAR).permute(1, 2, 0)
    got = moved(image, geometry.rotate(one(-17.0)), 48)
    away = np.hypot(*np.mgrid[-23.5:24, -23.5:24]) < 22  # the corners' fill differs
    assert np.abs(got - want.numpy())[away].max() <= 3


def test_matrices_compose_in_the_order_of_the_moves() -> None:
    image = np.array(picture(16))
    turn, shift = geometry.rotate(one(90)), geometry.translate_x(one(2 / 16))
    at_once = moved(image, turn @ shift, 16)
    by_steps = moved(moved(image, turn, 16).astype(np.uint8), shift, 16)
    assert (at_once == by_steps).all()
    assert np.abs(moved(image, shift @ turn, 16) - by_steps).max() > 12


def test_uncovered_places_take_the_mean() -> None:
    image = np.array(picture(16))
    filled = moved(image, geometry.translate_x(one(2.0)), 16, fill_border=False)
    assert np.abs(filled - image.mean((0, 1))).max() <= 0.51


def test_draws_are_even_independent_and_the_images_own() -> None:
    index = np.arange(20_000)
    draws = uniforms((3, 1), index, 4)
    assert draws.min() >= 0 and draws.max() < 1
    counts = np.stack([np.histogram(column, 20, (0, 1))[0] for column in draws.T])
    assert ((counts - 1000) ** 2 / 1000).sum(1).max() < 50  # chi-square of 19, p > 0.9999
    assert np.abs(np.corrcoef(draws.T) - np.eye(4)).max() < 0.03
    assert np.abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.03
    assert (uniforms((3, 1), index[7:9], 4) == draws[7:9]).all()
    for other in [(3, 2), (4, 1), (1, 3)]:
        assert np.abs(np.corrcoef(uniforms(other, index, 1)[:, 0], draws[:, 0])[0, 1]) < 0.03
    drawn = normal(draws[:, 0], draws[:, 1])
    assert abs(drawn.mean()) < 0.03 and drawn.std() == pytest.approx(1, abs=0.03)


def test_crops_keep_their_share_and_stay_inside() -> None:
    m = geometry.crop(uniforms((0,), np.arange(2000), 4), 0.35)
    area = m[:, 0, 0] * m[:, 1, 1]
    assert area.max() <= 1 and area.min() > 0.3
    assert (np.abs(m[:, 0, 2]) + m[:, 0, 0]).max() <= 1 + 1e-9
    assert (np.abs(m[:, 1, 2]) + m[:, 1, 1]).max() <= 1 + 1e-9


def bytes_of(n: int, size: int = 16) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng(1).integers(0, 256, (n, 3, size, size), dtype=np.uint8)
    )


def test_all_off_changes_nothing() -> None:
    pixels = bytes_of(5)
    index = torch.tensor([4, 0, 2])
    assert torch.equal(augment(pixels, index, OFF, 16, (0, 1)), pixels[index])


@pytest.mark.parametrize("space", ["photo", "glyph"])
def test_each_image_its_own_whatever_its_batch_and_threads(space: str) -> None:
    config = AugmentationConfig.model_validate({"randaugment_space": space})
    pixels, index = bytes_of(1, 18).repeat(40, 1, 1, 1), torch.arange(40)
    first = augment(pixels, index, config, 16, (0, 1))
    assert first.shape == (40, 3, 16, 16) and first.dtype == torch.uint8
    assert len({image.numpy().tobytes() for image in first}) == 40
    assert not torch.equal(first, augment(pixels, index, config, 16, (0, 2)))
    some = torch.tensor([31, 5, 12])
    assert torch.equal(augment(pixels, some, config, 16, (0, 1)), first[some])
    with ThreadPoolExecutor(3) as pool:
        assert torch.equal(augment(pixels, index, config, 16, (0, 1), pool, 3), first)


def test_a_much_smaller_output_is_averaged_not_sampled() -> None:
    """One-pixel stripes become grey; sampling alone would keep some of them."""
    stripes = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    stripes[..., ::2] = 255
    out = augment(stripes, torch.tensor([0]), OFF, 14, (0, 1)).float()
    assert (out - 127.5).abs().max() < 30


def test_glyphs_are_never_mirrored_or_recoloured() -> None:
    config = OFF.model_copy(update={"randaugment_ops": 2, "randaugment_space": "glyph"})
    grey = bytes_of(200)[:, :1].repeat(1, 3, 1, 1)
    out = augment(grey, torch.arange(200), config, 16, (0, 1))
    assert torch.equal(out[:, 0], out[:, 2])  # grey stays grey


def test_half_of_the_operations_are_done() -> None:
    """As in DeiT: of two operations drawn for an image, each is done with chance a half."""
    config = OFF.model_copy(update={"randaugment_ops": 2})
    pixels = torch.from_numpy(np.array(picture(16))).permute(2, 0, 1).repeat(800, 1, 1, 1)
    out = augment(pixels, torch.arange(800), config, 16, (0, 1))
    same = (out == pixels).all((1, 2, 3)).float().mean().item()
    assert same == pytest.approx(0.25, abs=0.06)


def test_erasing_hits_its_share() -> None:
    images = torch.zeros(800, 3, 16, 16)
    out = erase(images.clone(), torch.arange(800), (0, 1), 0.25)
    changed = (out != images).any(1)
    assert changed.any((1, 2)).float().mean().item() == pytest.approx(0.25, abs=0.05)
    assert changed.float().mean((1, 2)).max().item() <= 0.42
    assert torch.equal(erase(images[5:9].clone(), torch.arange(5, 9), (0, 1), 0.25), out[5:9])
