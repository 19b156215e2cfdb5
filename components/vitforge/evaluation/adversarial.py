"""Tiny changes: do random ones, or ones that aim at it, turn the answer over."""

import io
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.evaluation.attacks import apgd, fgsm, pgd
from vitforge.evaluation.attacks.gradient import Logits
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.stress import StressSet, answer, share_row, stress_set
from vitforge.evaluation.trained import Trained
from vitforge.tasks import probabilities

NEEDS: Need = "model"
TASKS: Sequence[Task] = ("single_label",)

TINY = 4 / 255
"""Largest random change of a pixel that still counts as tiny."""
TINY_QUALITY = 90
"""JPEG quality that people cannot tell from the original."""
DRAMATIC = 0.5
"""A prediction changes dramatically when its class changes, or its probability falls so much."""


def rows(context: Context) -> list[MetricRow]:
    """`dramatic_changes` under each tiny change, and `robust_accuracy` against ε of each attack.

    `dramatic_changes` has the slices `gaussian`, `uniform` and `jpeg`, and `all`: changed by any
    of them; `robust_accuracy` the slices `fgsm 1/255`, `pgd ...`, `apgd ...`, and `clean`.
    """
    stress = context.config.stress
    chosen = stress_set(context, stress.images)
    return [*_random_rows(context, chosen), *_attack_rows(context)]


def tiny_changes(pixels_NHWC: NDArray[np.uint8], seed: int) -> dict[str, NDArray[np.uint8]]:
    """The same pictures, as good as unchanged to the eye."""
    rng = np.random.default_rng(seed)
    pixels = pixels_NHWC.astype(np.float32)
    # Noise of this deviation is within the tiny change in 95 of 100 pixels.
    gaussian = pixels + rng.normal(0, TINY / 2, pixels.shape) * 255
    uniform = pixels + rng.uniform(-TINY, TINY, pixels.shape) * 255
    changed = {
        name: np.rint(noisy.clip(0, 255)).astype(np.uint8)
        for name, noisy in (("gaussian", gaussian), ("uniform", uniform))
    }
    return {**changed, "jpeg": np.stack([_recompressed(image) for image in pixels_NHWC])}


def dramatic(before_NK: NDArray[np.float64], after_NK: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which images' predictions change dramatically, by their probabilities."""
    said = before_NK.argmax(1)
    rows = np.arange(len(said))
    fall = before_NK[rows, said] - after_NK[rows, said]
    return np.asarray((after_NK.argmax(1) != said) | (fall >= DRAMATIC))


def _random_rows(context: Context, chosen: StressSet) -> list[MetricRow]:
    def probabilities_of(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        return probabilities(
            "single_label", answer(context.trained, pixels, context.config.batch_size)
        )

    clean = probabilities_of(chosen.pixels)
    notes = {
        "gaussian": f"normal noise of deviation {TINY * 255 / 2:.0f}/255",
        "uniform": f"uniform noise up to {TINY * 255:.0f}/255",
        "jpeg": f"saved as JPEG of quality {TINY_QUALITY}",
    }
    changes = {
        name: dramatic(clean, probabilities_of(pixels))
        for name, pixels in tiny_changes(chosen.pixels, context.seed).items()
    }
    found = [
        share_row("dramatic_changes", changed, name, context, notes[name])
        for name, changed in changes.items()
    ]
    anyhow = np.any(list(changes.values()), axis=0)
    told = "by any of " + ", ".join(changes)
    return [*found, share_row("dramatic_changes", anyhow, "all", context, told)]


def _attack_rows(context: Context) -> list[MetricRow]:
    stress, trained = context.config.stress, context.trained
    chosen = stress_set(context, stress.attack_images)
    logits = pixel_logits(trained)
    pixels = torch.from_numpy(chosen.pixels).permute(0, 3, 1, 2).float().to(trained.device) / 255
    labels = torch.from_numpy(np.asarray(chosen.labels, dtype=np.int64)).to(trained.device)
    with torch.no_grad():
        right = logits(pixels).argmax(1) == labels
    found = [share_row("robust_accuracy", right.cpu().numpy(), "clean", context)]
    tried = [(attack, epsilon) for attack in (fgsm, pgd, apgd) for epsilon in stress.epsilons]
    for done, (attack, epsilon) in enumerate(tried, 1):
        holds = right.clone()
        places = torch.nonzero(right).flatten()
        for part in torch.split(places, context.config.batch_size):
            attacked = attack(
                logits, pixels[part], labels[part], epsilon / 255, stress.attack_steps,
                torch.Generator().manual_seed(context.seed),
            )  # fmt: skip
            with torch.no_grad():
                holds[part] = logits(attacked).argmax(1) == labels[part]
        steps = "one step" if attack is fgsm else f"{stress.attack_steps} steps"
        found.append(
            share_row(
                "robust_accuracy",
                holds.cpu().numpy(),
                f"{attack.__name__} {epsilon:g}/255",
                context,
                f"right before and after {attack.__name__.upper()}, {steps}",
            )
        )
        context.progress(done, len(tried), "attacks")
    return found


def pixel_logits(trained: Trained) -> Logits:
    """The model as a function of pixels in [0, 1], shape (N, 3, H, W)."""
    how = trained.preprocessing
    mean, std = (
        torch.tensor(values, device=trained.device).view(3, 1, 1) for values in (how.mean, how.std)
    )

    def logits(pixels: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = trained.backbone((pixels - mean) / std)
        return found.float()

    return logits


def _recompressed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=TINY_QUALITY)
    return np.asarray(Image.open(buffer))
