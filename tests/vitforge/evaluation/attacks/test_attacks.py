"""Against torchattacks 3.5.1: FGSM, PGD (alpha ε/4, no random start), APGD (Linf, CE, seed 0).

`torchattacks.npz` holds a small model's weights, six images and the package's answers at 8/255.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from vitforge.evaluation.attacks import apgd, fgsm, pgd

EPSILON = 8 / 255


@pytest.fixture(scope="module")
def reference():
    return np.load(Path(__file__).parent / "torchattacks.npz", allow_pickle=False)


@pytest.fixture(scope="module")
def model(reference):
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(216, 4)
    )
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(torch.from_numpy(reference[f"p{i}"]))
    return net.eval()


@pytest.mark.parametrize(
    ("attack", "steps", "name"),
    [(fgsm, 1, "fgsm"), (pgd, 10, "pgd"), (apgd, 10, "apgd10"), (apgd, 30, "apgd30")],
)
def test_attacks_equal_the_reference(attack, steps, name, model, reference):
    images, labels = (torch.from_numpy(reference[key]) for key in ("images", "labels"))
    torch.manual_seed(0)
    found = attack(model, images, labels, EPSILON, steps)
    np.testing.assert_allclose(found.numpy(), reference[name], atol=1e-6)
    assert (found - images).abs().max() <= EPSILON + 1e-6


def test_a_linear_model_falls_where_its_margin_says():
    # Two classes, w·x: the sign step of ε moves the margin by exactly 2 ε |w|₁.
    weights = torch.tensor([1.0, -2.0, 0.5, 1.5])
    images = torch.full((1, 1, 2, 2), 0.5)
    bias = 0.1

    def logits(x):
        margin = x.flatten(1) @ weights + bias - 0.5
        return torch.stack([margin, -margin], 1)

    margin = float(weights.sum() * 0.5 + bias - 0.5)
    edge = margin / float(weights.abs().sum())
    labels = torch.zeros(1, dtype=torch.long)
    for attack in (fgsm, pgd, apgd):
        generator = torch.Generator().manual_seed(0)
        assert logits(attack(logits, images, labels, edge * 0.98, 40, generator)).argmax() == 0
        assert logits(attack(logits, images, labels, edge * 1.05, 40, generator)).argmax() == 1
