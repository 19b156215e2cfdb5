"""Against the recursion worked out by hand."""

import pytest
import torch
from torch import nn

from vitforge.training.ema import WeightAverage


def test_recursion_and_swap() -> None:
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(0.0)
    average = WeightAverage(model, 0.5)
    expected = 0.0
    for step, value in enumerate([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]):
        model.weight.data.fill_(value)
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    average.swap()
    assert model.weight.item() == pytest.approx(expected, rel=1e-5)
    average.swap()
    assert model.weight.item() == 10.0


def test_frozen_weights_are_left_alone() -> None:
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    average = WeightAverage(model, 0.9)
    kept = model.bias.clone()
    average.update()
    average.swap()
    assert torch.equal(model.bias, kept)
