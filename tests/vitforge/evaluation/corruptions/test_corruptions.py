"""Against imagecorruptions 1.1.2: benchmarks/peer_imagecorruptions.py made `canonical.npz`."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from vitforge.evaluation.corruptions import CORRUPTIONS, corrupt

HERE = Path(__file__).parent
PEER = HERE.parents[2] / "benchmarks" / "peer_imagecorruptions.py"


def _load_peer():
    spec = importlib.util.spec_from_file_location("peer", PEER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


peer = _load_peer()


@pytest.fixture(scope="module")
def canonical():
    return np.load(HERE / "canonical.npz", allow_pickle=False)


@pytest.fixture(scope="module")
def image():
    return peer.photograph()


@pytest.mark.parametrize("name", peer.DETERMINISTIC)
def test_deterministic_corruptions_are_the_canonical_ones(name, canonical, image):
    rows, columns = canonical["places"].T
    for severity in range(1, 6):
        ours = corrupt(image[None], name, severity)[0][rows, columns].astype(int)
        # 8-bit answers may differ by one level
        assert np.abs(ours - canonical[f"{name}/{severity}"]).max() <= 1, severity


@pytest.mark.parametrize("name", peer.STOCHASTIC)
def test_stochastic_corruptions_have_the_canonical_moments(name, canonical, image):
    draws = 4 if name == "glass_blur" else 16
    for severity in range(1, 6):
        wanted, spread = canonical[f"{name}/{severity}"]
        worse = corrupt(np.repeat(image[None], draws, 0), name, severity)
        found = np.mean([peer.moments(image, w) for w in worse], axis=0)
        error = spread / np.sqrt(draws) + spread / np.sqrt(peer.RUNS)
        # Four standard errors, or 2 % of the value (8 % for made-up frost and water's shine).
        share = 0.08 if name in ("frost", "spatter") else 0.02
        assert (np.abs(found - wanted) <= np.maximum(4 * error, share * wanted + 0.3)).all(), (
            severity, found, wanted, spread,
        )  # fmt: skip


def test_an_image_draws_the_same_in_any_batch(image):
    two = np.stack([image, image[::-1]])
    for name in CORRUPTIONS:
        whole = corrupt(two[:, ::4, ::4], name, 3, seed=5)
        alone = corrupt(two[1:, ::4, ::4], name, 3, seed=5, first=1)
        np.testing.assert_array_equal(whole[1:], alone)
        others = [corrupt(two[:1, ::4, ::4], name, 3, seed=seed) for seed in range(6, 14)]
        differs = any((other != whole[:1]).any() for other in others)
        assert differs == (CORRUPTIONS[name].stochastic and name != "glass_blur"), name


def test_elastic_displacement_has_its_closed_form():
    # Uniform noise of variance 1/3 under a Gaussian g has deviation sqrt(1/3) / (2 √π g).
    from vitforge.evaluation.corruptions.filters import smooth

    noise = np.random.default_rng(0).uniform(-1, 1, (8, 224, 224)).astype(np.float32)
    sigma = 0.01 * 244
    wanted = np.sqrt(1 / 3) / (2 * np.sqrt(np.pi) * sigma)
    assert smooth(noise, sigma, "reflect", 3.0).std() == pytest.approx(wanted, rel=0.03)


def test_gaussian_blur_is_scipys_at_any_border():
    from scipy import ndimage

    from vitforge.evaluation.corruptions.filters import smooth

    x = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    for border in ("nearest", "reflect"):
        for sigma in (0.5, 40.0):
            wanted = ndimage.gaussian_filter(x.astype(float), sigma, mode=border, truncate=3.0)
            np.testing.assert_allclose(smooth(x, sigma, border, 3.0), wanted, atol=1e-5)


@pytest.mark.parametrize("size", [8, 16, 32, 384])
def test_every_size_works_and_blur_covers_the_same_share(size, image):
    from PIL import Image

    small = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BOX))[None]
    for name in CORRUPTIONS:
        worse = corrupt(small, name, 5)
        assert worse.shape == small.shape
        assert np.abs(worse.astype(int) - small).max() > 0, name


def test_a_scaled_kernel_keeps_its_sum_and_its_width():
    from vitforge.evaluation.corruptions.filters import disk, scale_kernel

    kernel = disk(8, 0.5)
    for scale in (0.25, 1.0, 1.7):
        found = scale_kernel(kernel, scale)
        half = found.shape[0] // 2
        grid = np.arange(-half, half + 1)
        spread = np.sqrt((found.sum(1) * grid**2).sum() / found.sum())
        assert found.sum() == pytest.approx(kernel.sum())
        # A uniform disk of radius r has deviation r / 2 along each axis.
        assert spread == pytest.approx(4 * scale, rel=0.12)
    np.testing.assert_allclose(scale_kernel(kernel, 1.0)[1:-1, 1:-1], kernel)


@pytest.mark.parametrize("severity", [0, 6])
def test_there_are_five_severities(severity, image):
    with pytest.raises(ValueError, match="severity"):
        corrupt(image[None], "fog", severity)
