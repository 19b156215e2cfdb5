"""The package imagecorruptions 1.1.2, made to run on today's NumPy and scikit-image.

Needs `imagecorruptions opencv-python-headless scikit-image setuptools<81`, which the project does
not. Run as a script it writes the reference that the corruptions' tests compare with.
"""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CANONICAL = Path("tests/vitforge/evaluation/corruptions/canonical.npz")
DETERMINISTIC = (
    "defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression",
    "gaussian_blur", "saturate",
)  # fmt: skip
# Its elastic_transform has other parameters than the published ImageNet-C code.
STOCHASTIC = (
    "gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "glass_blur", "motion_blur",
    "snow", "frost", "fog", "spatter",
)  # fmt: skip
PIXELS = 48
"""Places at which deterministic answers are kept."""
RUNS = 40
"""Draws behind each moment."""


def photograph(size: int = 224) -> NDArray[np.uint8]:
    """A made-up picture: smooth colours, an edge, some grain, black, white and grey."""
    rows, columns = np.mgrid[:size, :size] / size
    rng = np.random.default_rng(7)
    waves = [np.sin(3 * rows + k) * np.cos(5 * columns + 2 * k) for k in range(3)]
    image = 0.5 + 0.35 * np.stack(waves, -1) + 0.03 * rng.standard_normal((size, size, 3))
    image[rows + columns > 1.5] *= 0.4
    third, sixth = size // 3, size // 6
    image[:sixth, :sixth] = 0
    image[:sixth, sixth:third] = 1
    image[:sixth, third : third + sixth] = 0.5
    return (image.clip(0, 1) * 255).astype(np.uint8)


def moments(image: NDArray[np.uint8], worse: NDArray[np.uint8]) -> list[float]:
    """Mean, standard deviation, RMS change, and mean step between neighbours, 0 to 255."""
    a, b = image.astype(np.float64), worse.astype(np.float64)
    return [b.mean(), b.std(), np.sqrt(((b - a) ** 2).mean()), np.abs(np.diff(b, axis=1)).mean()]


def load_peer():
    """The package's `corrupt`."""
    warnings.simplefilter("ignore")
    np.float_ = np.float64
    from imagecorruptions import corruptions
    from skimage.filters import gaussian

    def patched(image, *, multichannel=False, **more):
        return gaussian(image, channel_axis=-1 if multichannel else None, **more)

    corruptions.gaussian = patched
    from imagecorruptions import corrupt

    return corrupt


def main() -> None:
    """Write `canonical.npz`."""
    peer, image = load_peer(), photograph()
    places = np.random.default_rng(1).integers(0, 224, (PIXELS, 2))
    kept = {"places": places.astype(np.int64)}
    for name in (*DETERMINISTIC, *STOCHASTIC):
        for severity in range(1, 6):

            def once(name=name, severity=severity):
                return peer(image, severity=severity, corruption_name=name)

            if name in DETERMINISTIC:
                kept[f"{name}/{severity}"] = once()[places[:, 0], places[:, 1]]
                continue
            np.random.seed(severity)
            runs = 5 if name == "glass_blur" else RUNS
            found = np.array([moments(image, once()) for _ in range(runs)])
            kept[f"{name}/{severity}"] = np.array([found.mean(0), found.std(0, ddof=1)])
        print(name, flush=True)
    np.savez_compressed(CANONICAL, **kept)


if __name__ == "__main__":
    main()
