"""Mixup and CutMix against their definitions, pixel by pixel."""

import numpy as np
import pytest
import torch

from vitforge.training.mixing import cut_box, mix

CLASSES = 8


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Image i is all i; its target is one-hot i: shares can be read off the result."""
    values = torch.arange(CLASSES, dtype=torch.float32)
    return values[:, None, None, None].expand(-1, 3, 10, 12).clone(), torch.eye(CLASSES)


def test_off_changes_nothing() -> None:
    images, targets = batch()
    mixed, soft = mix(images, targets, np.random.default_rng(0), 0, 0)
    assert mixed is images and soft is targets


@pytest.mark.parametrize("seed", range(5))
def test_mixup_mixes_pixels_and_targets_alike(seed: int) -> None:
    images, targets = batch()
    mixed, soft = mix(images, targets, np.random.default_rng(seed), 0.8, 0)
    for i in range(CLASSES):
        share = soft[i, i].item()
        assert 0 <= share <= 1
        expected = share * i + (1 - share) * (CLASSES - 1 - i)
        torch.testing.assert_close(mixed[i], torch.full_like(mixed[i], expected))
    torch.testing.assert_close(soft.sum(1), torch.ones(CLASSES))


@pytest.mark.parametrize("seed", range(10))
def test_cutmix_share_is_the_area_kept(seed: int) -> None:
    images, targets = batch()
    mixed, soft = mix(images, targets, np.random.default_rng(seed), 0, 1.0)
    for i in range(CLASSES):
        own = (mixed[i] == i).float().mean().item()
        other = (mixed[i] == CLASSES - 1 - i).float().mean().item()
        assert own + other == pytest.approx(1)
        assert soft[i, i].item() == pytest.approx(own, abs=1e-6)


def test_cutmix_leaves_its_input_alone() -> None:
    images, targets = batch()
    kept = images.clone()
    mix(images, targets, np.random.default_rng(3), 0, 1.0)
    assert torch.equal(images, kept)


def test_box_of_half_the_area_inside() -> None:
    class Centre:
        def integers(self, high: int) -> int:
            return high // 2

    top, bottom, left, right = cut_box(20, 40, 0.75, Centre())  # type: ignore[arg-type]
    assert (bottom - top, right - left) == (10, 20)


def test_both_take_turns() -> None:
    images, targets = batch()
    kinds = set()
    for seed in range(30):
        mixed, _ = mix(images, targets, np.random.default_rng(seed), 0.8, 1.0)
        kinds.add(len(mixed[0].unique()))
    assert kinds == {1, 2}
